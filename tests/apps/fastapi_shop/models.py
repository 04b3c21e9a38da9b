"""What the shop's clients send and get."""

from __future__ import annotations

from typing import List, Optional

from pydantic import BaseModel, Field


class ItemIn(BaseModel):
    name: str = Field(..., min_length=1, max_length=80)
    price: float = Field(..., gt=0)
    stock: int = Field(0, ge=0)
    tags: List[str] = []


class Item(ItemIn):
    id: int


class ItemPatch(BaseModel):
    price: Optional[float] = Field(None, gt=0)
    stock: Optional[int] = Field(None, ge=0)


class OrderIn(BaseModel):
    item: int
    count: int = Field(1, ge=1, le=100)


class Order(BaseModel):
    id: int
    item: int
    count: int
    total: float
