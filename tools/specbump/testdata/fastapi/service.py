"""A FastAPI service with pydantic models of every kind that the client must keep whole."""

import datetime
import decimal
import enum
import typing
import uuid

import fastapi
import pydantic
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.security import APIKeyHeader

key = APIKeyHeader(name="x-api-key")
app = fastapi.FastAPI(title="Values", version="1", dependencies=[fastapi.Depends(key)])


class Zone(str, enum.Enum):
    plus = "GMT+1"
    eleven = "GMT+11"
    minus = "GMT-1"


class Report(pydantic.BaseModel):
    rows: int


class Change(pydantic.BaseModel):
    name: typing.Optional[str]
    limit: typing.Optional[int]
    price: typing.Optional[float]
    manager: typing.Optional[uuid.UUID]
    tags: typing.Optional[typing.List[str]]
    labels: typing.List[str] = []
    counts: typing.Optional[typing.Dict[str, int]]
    report: typing.Optional[Report]
    since: typing.Optional[datetime.datetime]
    nested: typing.Optional["Change"]
    list: typing.Optional[typing.List["Change"]]
    either: typing.Optional[typing.Union[int, str]]
    extra: typing.Optional[typing.Dict[str, typing.Any]]


Change.update_forward_refs()


class Order(pydantic.BaseModel):
    items: typing.List[str]
    notes: typing.Dict[str, str]
    maybe: typing.Optional[typing.List[str]] = fastapi.Body(...)
    zone: Zone


class Values(pydantic.BaseModel):
    price: float
    made_at: float
    samples: typing.List[float]
    by_day: typing.Dict[str, float]
    naive: datetime.datetime
    aware: datetime.datetime
    day: datetime.date
    looks_like_a_time: str
    anything: typing.Any
    free: typing.Dict[str, typing.Any]
    total: decimal.Decimal
    zone: Zone
    none: typing.Optional[str]
    empty: typing.List[str]


class Said(pydantic.BaseModel):
    raw: str
    set: typing.List[str]


async def said(request: fastapi.Request, body: pydantic.BaseModel) -> Said:
    return Said(raw=(await request.body()).decode(), set=sorted(body.__fields_set__))


@app.patch("/v1/profiles/{profile_id}")
async def change_profile(profile_id: uuid.UUID, body: Change, request: fastapi.Request) -> Said:
    return await said(request, body)


@app.post("/v1/orders", status_code=201)
async def make_order(body: Order, request: fastapi.Request) -> Said:
    return await said(request, body)


@app.get("/v1/values")
def read_values() -> Values:
    return Values(
        price=20481234.56,
        made_at=1764104405.25,
        samples=[16777217, 0.30000000000000004, 1e39],
        by_day={"mon": 123456.789},
        naive=datetime.datetime(2026, 1, 2, 3, 4, 5, 123456),
        aware=datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30))),
        day=datetime.date(2026, 1, 2),
        looks_like_a_time="2026-01-02 03:04",
        anything=9007199254740993,
        free={"big": 9007199254740993, "list": [1, "2026-01-02T03:04:05"]},
        total=decimal.Decimal("12.50"),
        zone=Zone.minus,
        none=None,
        empty=[],
    )


@app.get("/v1/search")
def search(at_most: typing.Optional[float] = None, zone: typing.Optional[Zone] = None,
           tag: typing.List[str] = fastapi.Query([])) -> typing.Dict[str, typing.Any]:
    return {"at_most": at_most, "zone": zone, "tag": tag}


@app.get("/v1/latest", response_model=typing.Optional[Report])
def latest(there: bool = False):
    return Report(rows=0) if there else None


@app.get("/v1/reports", response_model=typing.List[Report])
def reports():
    return JSONResponse([{"rows": 1}, {}, {"rows": None}, {"rows": 0}])


@app.delete("/v1/latest")
def forget(status: int = 204):
    return Response(status_code=status)


@app.get("/v1/export")
def export():
    return StreamingResponse(iter([b"a,b\n", b"1,2\n"]), media_type="text/csv")


@app.get("/v1/events")
def events():
    return StreamingResponse(iter([b"event: delta\ndata: 1\n\n", b"event: complete\n\n"]), media_type="text/event-stream")


@app.post("/v1/keys", status_code=201, response_model=Report)
def make_key(kind: str):
    headers = {"x-request-id": "req-7"}
    if kind == "type":
        return JSONResponse({"rows": "secret-of-a-new-key"}, 201, headers)
    if kind == "null":
        return JSONResponse(None, 201, headers)
    if kind == "status":
        return JSONResponse({"rows": 1}, 202, headers)
    if kind == "empty":
        return Response(status_code=204, headers=headers)
    if kind == "text":
        return Response("secret-of-a-new-key", 201, headers, "text/plain")
    if kind == "half":
        return Response('{"rows": "secret-of-a-n', 201, headers, "application/json")
    return Response("secret-of-a-new-key", 201, {**headers, "content-encoding": "br"}, "application/json")


@app.post("/v1/documents/{folder}", status_code=201)
async def upload_document(folder: str, file: fastapi.UploadFile, note: typing.Optional[str] = fastapi.Form(None),
                          copies: int = fastapi.Form(1), tags: typing.List[str] = fastapi.Form([])) -> typing.Dict[str, typing.Any]:
    content = await file.read()
    return {"folder": folder, "name": file.filename, "type": file.content_type, "size": len(content), "note": note,
            "copies": copies, "tags": tags}


@app.post("/v1/login")
def login(user: str = fastapi.Form(...), remember: bool = fastapi.Form(False)) -> typing.Dict[str, typing.Any]:
    return {"user": user, "remember": remember}


@app.get("/v1/fail")
def fail(kind: str) -> Report:
    detail = {"text": "no such thing", "object": {"error": "gone", "message": "It is gone"}, "list": ["first", {"second": 2}]}
    if kind not in detail:
        return {}  # not a Report: an unhandled exception
    raise fastapi.HTTPException(409, detail[kind], {"retry-after": "1.5"} if kind == "object" else None)


def with_null(node):
    """Writes null as FastAPI does since 0.100, with pydantic 2."""
    node = {k: v for k, v in node.items() if k != "title"}
    return {"anyOf": [*node.get("anyOf", [node]), {"type": "null"}]}


def document():
    spec = fastapi.FastAPI.openapi(app)
    spec["openapi"] = "3.1.0"
    for model in (Change, Order, Values):
        schema = spec["components"]["schemas"][model.__name__]
        for name, field in model.__fields__.items():
            if field.allow_none and schema["properties"][name]:
                schema["properties"][name] = with_null(schema["properties"][name])
    ok = spec["paths"]["/v1/latest"]["get"]["responses"]["200"]["content"]["application/json"]
    ok["schema"] = with_null(ok["schema"])
    return spec


app.openapi_schema = document()
