"""Uses the other module, with and without its lock."""

import stock
from stock import lock, take


class Shop:
    def __init__(self):
        self.sold = 0

    def sell(self, name):
        if take(name):
            self.sold += 1

    def sell_locked(self, name):
        with lock:
            if stock.take(name):
                self.sold += 1
