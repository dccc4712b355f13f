"""A service whose OpenAPI document FastAPI writes. usage: fastapi_service.py PORT"""

import sys
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Query, UploadFile
from fastapi.security import APIKeyHeader
from pydantic import BaseModel

app = FastAPI(title="Shop", servers=[{"url": "/"}])
key = APIKeyHeader(name="X-Shop-Key")


class Part(BaseModel):
    name: str
    parts: list["Part"] = []


class Order(BaseModel):
    item: str
    count: int = 1
    tree: Part | None = None


def allowed(given: Annotated[str, Depends(key)]):
    if given != "open-sesame":
        raise HTTPException(403, "wrong key")


@app.get("/orders/{order_id}", operation_id="get_order", dependencies=[Depends(allowed)])
def get_order(order_id: str, tags: Annotated[list[str], Query()] = [], x_trace: Annotated[str, Header()] = ""):
    """One order."""
    return {"id": order_id, "tags": tags, "trace": x_trace}


@app.post("/orders", operation_id="add_order", dependencies=[Depends(allowed)])
def add_order(order: Order):
    return order


@app.post("/photo", operation_id="add_photo")
async def add_photo(file: UploadFile, note: str = "none"):
    return {"name": file.filename, "size": len(await file.read()), "note": note}


@app.delete("/orders/{order_id}", operation_id="drop_order", status_code=204)
def drop_order(order_id: int):
    return None


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
