"""One of two modules that belong together."""

import threading

lock = threading.Lock()
items = {"apple": 1}


def take(name):
    if items[name] > 0:
        items[name] -= 1
        return True
    return False
