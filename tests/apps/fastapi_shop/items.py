"""Items and orders."""

import json
import sqlite3
from typing import Any, Dict, List, Optional

from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException, Query, Response

from tests.apps.fastapi_shop import database
from tests.apps.fastapi_shop.errors import OutOfStock
from tests.apps.fastapi_shop.models import Item, ItemIn, ItemPatch, Order, OrderIn

router = APIRouter()


def found(item_id: int, db: Any = Depends(database.session)) -> Dict[str, Any]:
    """A dependency: the item that the path names."""
    item = database.item_of(db.execute("SELECT * FROM items WHERE id = ?", (item_id,)).fetchone())
    if item is None:
        raise HTTPException(404, f"no item {item_id}")
    return item


class Page:
    """A dependency: the part of a list that is wanted."""

    def __init__(self, limit: int = Query(10, ge=1, le=100), offset: int = Query(0, ge=0)):
        self.limit = limit
        self.offset = offset


@router.get("/items", response_model=List[Item], tags=["items"])
def list_items(q: Optional[str] = None, page: Page = Depends(), db: Any = Depends(database.session)) -> Any:
    rows = db.execute(
        "SELECT * FROM items WHERE name LIKE ? ORDER BY id LIMIT ? OFFSET ?", (f"%{q or ''}%", page.limit, page.offset)
    )
    return [database.item_of(row) for row in rows.fetchall()]


@router.post("/items", response_model=Item, status_code=201, tags=["items"])
def add_item(item: ItemIn, response: Response, db: Any = Depends(database.session)) -> Any:
    values = (item.name, item.price, item.stock, json.dumps(item.tags))
    try:
        made = db.execute("INSERT INTO items (name, price, stock, tags) VALUES (?, ?, ?, ?)", values)
    except sqlite3.IntegrityError:
        raise HTTPException(409, f"there is a {item.name} already") from None
    db.commit()
    response.headers["Location"] = f"/items/{made.lastrowid}"
    return {"id": made.lastrowid, "name": item.name, "price": item.price, "stock": item.stock, "tags": item.tags}


@router.get("/items/{item_id}", response_model=Item, tags=["items"])
def get_item(item: Any = Depends(found)) -> Any:
    return item


@router.put("/items/{item_id}", response_model=Item, tags=["items"])
def replace_item(new: ItemIn, item: Any = Depends(found), db: Any = Depends(database.session)) -> Any:
    values = (new.name, new.price, new.stock, json.dumps(new.tags), item["id"])
    db.execute("UPDATE items SET name = ?, price = ?, stock = ?, tags = ? WHERE id = ?", values)
    db.commit()
    return {"id": item["id"], "name": new.name, "price": new.price, "stock": new.stock, "tags": new.tags}


@router.patch("/items/{item_id}", response_model=Item, tags=["items"])
def change_item(change: ItemPatch, item: Any = Depends(found), db: Any = Depends(database.session)) -> Any:
    price = item["price"] if change.price is None else change.price
    stock = item["stock"] if change.stock is None else change.stock
    db.execute("UPDATE items SET price = ?, stock = ? WHERE id = ?", (price, stock, item["id"]))
    db.commit()
    return {**item, "price": price, "stock": stock}


@router.delete("/items/{item_id}", status_code=204, response_class=Response, tags=["items"])
def delete_item(item: Any = Depends(found), db: Any = Depends(database.session)) -> Response:
    db.execute("DELETE FROM items WHERE id = ?", (item["id"],))
    db.commit()
    return Response(status_code=204)


@router.post("/orders", response_model=Order, status_code=201, tags=["orders"])
def order(wanted: OrderIn, tasks: BackgroundTasks, db: Any = Depends(database.session)) -> Any:
    item = found(wanted.item, db)
    if item["stock"] < wanted.count:
        raise OutOfStock(item["id"], item["stock"])
    total = item["price"] * wanted.count
    db.execute("UPDATE items SET stock = stock - ? WHERE id = ?", (wanted.count, item["id"]))
    made = db.execute("INSERT INTO orders (item, count, total) VALUES (?, ?, ?)", (item["id"], wanted.count, total))
    db.commit()
    tasks.add_task(database.audit, f"order {made.lastrowid}: {wanted.count} x {item['name']}")
    return {"id": made.lastrowid, "item": item["id"], "count": wanted.count, "total": total}


@router.get("/audit", tags=["orders"])
def audit(db: Any = Depends(database.session)) -> List[str]:
    """What the background tasks wrote."""
    return [row["line"] for row in db.execute("SELECT line FROM audit ORDER BY id").fetchall()]
