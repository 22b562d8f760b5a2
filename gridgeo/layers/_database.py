"""Reading a layer of a PostGIS database, without ever writing to it and without ever showing its password."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

from gridgeo._words import shown
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers._table import BAD_WHERE, CANNOT_READ, LayerInfo, Table, choose_layer, missing_columns, shown_long

SCHEMES = ("postgresql://", "postgres://", "postgis://", "postgresql+psycopg://")
_SECRETS = ("password", "sslpassword", "passfile", "sslkey")

_NOT_INSTALLED = Message(
    "reading PostGIS needs further packages; install them: pip install 'gridgeo[postgis]'",
    "读取 PostGIS 需要另装软件包：pip install 'gridgeo[postgis]'",
)
_NO_SERVER = Message(
    "the database can't be reached ({reason}); check the server, the name and the password",
    "无法连接数据库（{reason}）；请检查服务器、用户名和密码",
)

_MALFORMED = Message(
    "the connection string is malformed; write special characters of the password as %40 and so on",
    "连接字符串格式有误；密码中的特殊字符请写成 %40 等形式",
)


def is_database(source: str) -> bool:
    """Whether ``source`` is a connection string and not a file."""
    return source.lower().startswith(SCHEMES)


def safe_name(url: str) -> str:
    """Return a connection string without its password and without its options, which may hold secrets too.

    Examples
    --------
    >>> safe_name("postgresql://clerk:s3cret@db.example/town?sslmode=require&password=s3cret")
    'postgresql://clerk@db.example/town'
    >>> safe_name("postgresql://clerk:s3?cr@et@db.example/town")
    'postgresql://…'
    """
    parts = _parts(url)
    if parts is None:
        return "postgresql://…"
    user, _, place, _ = parts
    return f"postgresql://{user}@{place}" if user else f"postgresql://{place}"


def _parts(url: str) -> tuple[str, str, str, str] | None:
    """Return user, password, place and options of a connection string; None where it could be read in two ways."""
    head, _, options = url.partition("://")[2].partition("?")
    credentials, _, place = head.rpartition("@")
    user, _, password = credentials.partition(":")
    if set("@/#?[]") & set(credentials) or (options and not re.match(r"[\w.-]+=", options)):
        return None
    return user, password, place, options


def _connect(url: str) -> Any:
    try:
        import geoalchemy2  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
        import psycopg  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
        import sqlalchemy
    except ImportError:
        raise InputError(Problem(safe_name(url), _NOT_INSTALLED)) from None
    _, _, rest = url.partition("://")
    try:
        if _parts(url) is None:
            raise ValueError
        made = sqlalchemy.engine.make_url(f"postgresql+psycopg://{rest}")
        # a condition from a settings file must not be able to change anything
        options = {"options": "-c default_transaction_read_only=on", "connect_timeout": 10}
        return sqlalchemy.create_engine(made, connect_args=options, poolclass=sqlalchemy.pool.NullPool)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        reason = _MALFORMED.text()
        raise InputError(Problem(safe_name(url), _NO_SERVER, {"reason": reason})) from None


def _reason(error: BaseException, url: str) -> str:
    """Return the first line of what the database says, with anything secret struck out."""
    _, password, _, options = _parts(url) or ("", "", "", "")
    secrets = [value for key, value in parse_qsl(options) if key.lower() in _SECRETS]
    secrets += [password, unquote(password)]
    text = next(iter(str(getattr(error, "orig", None) or error).strip().splitlines()), type(error).__name__)
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return shown_long(text)


_TABLES = """
select f_table_schema, f_table_name, f_geometry_column, type, srid from geometry_columns
union all
select f_table_schema, f_table_name, f_geography_column, type, srid from geography_columns
order by 1, 2, 3
"""
_COLUMNS = """
select column_name, udt_name from information_schema.columns
where table_schema = :schema and table_name = :table order by ordinal_position
"""
_KEY = """
select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
where i.indisprimary and i.indrelid = cast(:name as regclass) order by array_position(i.indkey, a.attnum)
"""


def _named(schema: str, table: str) -> str:
    return table if schema == "public" else f"{schema}.{table}"


def _quoted(*names: str) -> str:
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def list_database(url: str) -> list[LayerInfo]:
    """Return what each table with a geometry is."""
    engine = _connect(url)
    import sqlalchemy

    found = []
    try:
        with engine.connect() as connection:
            for schema, table, geometry, kind, srid in connection.execute(sqlalchemy.text(_TABLES)).all():
                rows = connection.execute(sqlalchemy.text(_COLUMNS), {"schema": schema, "table": table}).all()
                columns = tuple(name for name, _ in rows if name != geometry)
                found.append(LayerInfo(_named(schema, table), str(kind).title(), -1, columns, _crs_of(srid)))
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise InputError(Problem(safe_name(url), _NO_SERVER, {"reason": _reason(error, url)})) from None
    return found


def _crs_of(srid: int) -> Any:
    import pyproj

    try:
        return pyproj.CRS.from_epsg(srid) if srid > 0 else None
    except pyproj.exceptions.CRSError:
        return None


def read_database(
    url: str, *, layer: str | None, columns: Sequence[str] | None, extra: Sequence[str], where: str | None
) -> Table:
    """Read one table of a PostGIS database, in the order of its primary key (else of its first columns)."""
    engine = _connect(url)
    import geopandas as gpd
    import pandas as pd
    import sqlalchemy

    try:
        with engine.connect() as connection:
            tables = connection.execute(sqlalchemy.text(_TABLES)).all()
            names = [_named(schema, table) for schema, table, *_ in tables]
            if layer is not None and layer not in names and layer.startswith("public."):
                layer = layer.removeprefix("public.")
            chosen = choose_layer(safe_name(url), layer, list(dict.fromkeys(names)))
            schema, table, geometry, _, srid = tables[names.index(chosen)]
            label = f"{safe_name(url)}, layer {chosen}"
            rows = connection.execute(sqlalchemy.text(_COLUMNS), {"schema": schema, "table": table}).all()
            known = [name for name, kind in rows if kind not in ("geometry", "geography")]
            wanted = list(dict.fromkeys([*(columns or ()), *extra]))
            if problems := missing_columns(label, wanted, known):
                raise InputError(problems)
            fields = known if columns is None else wanted
            key = connection.execute(sqlalchemy.text(_KEY), {"name": _quoted(schema, table)}).scalars().all()
            shape = f"ST_CurveToLine({_quoted(geometry)}::geometry) as {_quoted('geometry')}"
            query = f"select {', '.join([*map(_quoted, fields), shape])} from {_quoted(schema, table)}"  # noqa: S608
            if where:
                query += f" where {where}"
            query += f" order by {', '.join(map(_quoted, key)) if key else 'ctid'}"
            # a bare text clause: a colon or percent sign in the condition is no placeholder
            frame = gpd.read_postgis(
                sqlalchemy.text(query.replace(":", r"\:")), connection, geom_col="geometry", crs=_crs_of(srid)
            )
    except sqlalchemy.exc.OperationalError as error:
        raise InputError(Problem(safe_name(url), _NO_SERVER, {"reason": _reason(error, url)})) from None
    except pd.errors.DatabaseError as error:
        reason = _reason(error.__cause__ or error, url)
        said = Problem(label, CANNOT_READ, {"reason": reason})
        if where:
            said = Problem(label, BAD_WHERE, {"where": shown(where), "reason": reason})
        raise InputError(said) from None
    except (sqlalchemy.exc.SQLAlchemyError, ValueError, RuntimeError) as error:
        raise InputError(Problem(safe_name(url), CANNOT_READ, {"reason": _reason(error, url)})) from None
    return Table(label, chosen, frame.reset_index(drop=True))
