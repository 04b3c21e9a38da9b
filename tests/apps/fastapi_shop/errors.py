"""What the shop refuses in its own words."""


class OutOfStock(Exception):
    def __init__(self, item: int, left: int):
        super().__init__(f"{left} left of {item}")
        self.item = item
        self.left = left
