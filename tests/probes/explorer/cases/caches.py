"""Check, then act."""

import threading


class Cache:
    def __init__(self, loader):
        self.d, self.loader = {}, loader

    def get(self, key):
        if key not in self.d:
            self.d[key] = self.loader(key)
        return self.d[key]


class SafeCache:
    def __init__(self, loader):
        self.d, self.loader, self.lock = {}, loader, threading.Lock()

    def get(self, key):
        with self.lock:
            if key not in self.d:
                self.d[key] = self.loader(key)
            return self.d[key]


class ForgetfulCache:
    """Another thread may drop the key between the question and the answer."""

    def __init__(self):
        self.d = {"a": 1}

    def get(self, key):
        if key in self.d:
            return self.d[key]
        return None

    def drop(self, key):
        self.d.pop(key, None)


class Lazy:
    """Double-checked locking as it should be."""

    def __init__(self, make):
        self.make, self.lock, self.value = make, threading.Lock(), None

    def get(self):
        if self.value is None:
            with self.lock:
                if self.value is None:
                    self.value = self.make()
        return self.value


class HalfLazy(Lazy):
    """The second check is missing."""

    def get(self):
        if self.value is None:
            with self.lock:
                self.value = self.make()
        return self.value


class EarlyLazy(Lazy):
    """Publishes the object before it is complete."""

    def get(self):
        if self.value is None:
            with self.lock:
                if self.value is None:
                    self.value = {}
                    self.value["ready"] = True
        return self.value


_instance = None
_instance_lock = threading.Lock()


class Service:
    def __init__(self):
        self.ready = True


def unlocked_instance():
    global _instance
    if _instance is None:
        _instance = Service()
    return _instance


def locked_instance():
    global _instance
    with _instance_lock:
        if _instance is None:
            _instance = Service()
        return _instance


class Registry:
    """Iterates over a dictionary that others change."""

    def __init__(self):
        self.d = {"a": 1, "b": 2}

    def total(self):
        result = 0
        for key in self.d:
            result += self.d[key]
        return result

    def add(self, key):
        self.d[key] = 1


class CopyingRegistry(Registry):
    def total(self):
        return sum(list(self.d.values()))


class Stack:
    def __init__(self, items):
        self.items = list(items)

    def take(self):
        if self.items:
            return self.items.pop()
        return None


class AskingStack(Stack):
    def take(self):
        try:
            return self.items.pop()
        except IndexError:
            return None
