"""Who is where, and who may what: users and rooms are objects that know each other, one method for each message."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from protocol import Message, Refused

TYPING = 3.0
WINDOW = 5.0


@dataclass(frozen=True)
class Delivery:
    """A message, and the names of those who get it. With ``closes`` it is the last that they get."""

    to: frozenset[str]
    message: Message
    closes: bool = False


@dataclass(eq=False)
class User:
    """Somebody who is in."""

    name: str
    admin: bool
    rooms: "dict[str, Room]" = field(default_factory=dict)


@dataclass(eq=False)
class Room:
    """Some users, and until when each of them is typing."""

    name: str
    users: dict[str, User] = field(default_factory=dict)
    typing: dict[str, float] = field(default_factory=dict)

    def tell(self, message: Message, but: str = "") -> Delivery:
        """To all in the room, but one."""
        return Delivery(frozenset(name for name in self.users if name != but), {**message, "room": self.name})


class Chat:
    """Everybody who is in, and every room."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.users: dict[str, User] = {}
        self.rooms: dict[str, Room] = {}
        self.mutes: dict[str, float] = {}
        self.bans: set[str] = set()
        self.times: deque[float] = deque()
        self.messages = self.deliveries = 0
        members = {
            "join": self.join, "leave": self.leave, "typing": self.type, "say": self.say, "tell": self.tell,
            "file": self.file, "ping": self.ping,
        }  # fmt: skip
        admins = {
            "kick": self.kick, "ban": self.ban, "mute": self.mute, "announce": self.announce,
            "statistics": self.tell_all,
        }  # fmt: skip
        self.commands: dict[str, Callable[[User, Message], Iterable[Delivery]]] = {**members, **admins}
        self.for_admins = frozenset(admins)

    def enter(self, name: str, role: str = "member") -> list[Delivery]:
        """Let somebody in."""
        if name in self.users or name in self.bans:
            raise Refused(f"the name {name} is not free")
        self.users[name] = User(name, role == "admin")
        return [one(name, {"type": "welcome", "name": name, "role": role})]

    def exit(self, name: str) -> list[Delivery]:
        """Somebody is gone."""
        user = self.users.pop(name, None)
        return [] if user is None else [each for room in list(user.rooms.values()) for each in self.part(user, room)]

    def part(self, user: User, room: Room) -> list[Delivery]:
        """Take a user out of a room."""
        room.typing.pop(user.name, None)
        del room.users[user.name], user.rooms[room.name]
        if room.users:
            return [room.tell({"type": "left", "name": user.name})]
        del self.rooms[room.name]
        return []

    def handle(self, name: str, message: Message) -> list[Delivery]:
        """What follows from a message."""
        user, kind = self.users[name], message["type"]
        if kind not in self.commands:
            raise Refused("you have said hello already")
        if kind in self.for_admins and not user.admin:
            raise Refused("you are no admin")
        if kind in ("say", "tell", "typing", "file") and self.mutes.get(name, 0.0) > self.clock():
            raise Refused("you are muted")
        done = list(self.commands[kind](user, message))
        if kind in ("say", "tell", "file", "announce"):
            self.messages += 1
            self.deliveries += sum(len(each.to) for each in done)
            self.times.append(self.clock())
            self.forget()
        return done

    def room_of(self, user: User, message: Message) -> Room:
        """The room that is named, if the user is in it."""
        if message["room"] not in user.rooms:
            raise Refused("you are not in this room")
        return user.rooms[message["room"]]

    def named(self, message: Message) -> User:
        """The user that is named, if there is one."""
        if message["to"] not in self.users:
            raise Refused("nobody here has this name")
        return self.users[message["to"]]

    def join(self, user: User, message: Message) -> list[Delivery]:
        """Into a room."""
        if message["room"] in user.rooms:
            raise Refused("you are there")
        room = self.rooms.setdefault(message["room"], Room(message["room"]))
        room.users[user.name] = user
        user.rooms[room.name] = room
        members = {"type": "members", "room": room.name, "names": sorted(room.users)}
        return [room.tell({"type": "joined", "name": user.name}), one(user.name, members)]

    def leave(self, user: User, message: Message) -> list[Delivery]:
        """Out of a room."""
        room = self.room_of(user, message)
        return [one(user.name, {"type": "left", "room": room.name, "name": user.name}), *self.part(user, room)]

    def say(self, user: User, message: Message) -> list[Delivery]:
        """To a room."""
        room = self.room_of(user, message)
        room.typing.pop(user.name, None)
        return [room.tell({"type": "said", "by": user.name, "text": message["text"]})]

    def file(self, user: User, message: Message) -> list[Delivery]:
        """To the others in a room."""
        return [self.room_of(user, message).tell({**message, "by": user.name}, but=user.name)]

    def tell(self, user: User, message: Message) -> list[Delivery]:
        """To one."""
        return [one(self.named(message).name, {"type": "told", "by": user.name, "text": message["text"]})]

    def ping(self, user: User, message: Message) -> list[Delivery]:
        """Back."""
        return [one(user.name, {"type": "pong", "id": message["id"]})]

    def type(self, user: User, message: Message) -> list[Delivery]:
        """Is typing, or still is."""
        room = self.room_of(user, message)
        new = user.name not in room.typing
        room.typing[user.name] = self.clock() + TYPING
        return [room.tell({"type": "typing", "name": user.name, "on": True}, but=user.name)] if new else []

    def expire(self) -> list[Delivery]:
        """Who is not typing any more."""
        ended = []
        for room in self.rooms.values():
            for name in [name for name, until in room.typing.items() if until <= self.clock()]:
                del room.typing[name]
                ended.append(room.tell({"type": "typing", "name": name, "on": False}, but=name))
        return ended

    def kick(self, user: User, message: Message) -> list[Delivery]:
        """Out of everything."""
        target = self.named(message).name
        return [one(target, {"type": "kicked", "by": user.name}, closes=True), *self.exit(target)]

    def ban(self, user: User, message: Message) -> list[Delivery]:
        """For good."""
        self.bans.add(message["to"])
        return self.kick(user, message) if message["to"] in self.users else []

    def mute(self, user: User, message: Message) -> list[Delivery]:
        """For a while."""
        target = self.named(message).name
        self.mutes[target] = self.clock() + message["seconds"]
        return [one(target, {"type": "muted", "by": user.name, "seconds": message["seconds"]})]

    def announce(self, user: User, message: Message) -> list[Delivery]:
        """To everybody."""
        return [Delivery(frozenset(self.users), {"type": "announced", "by": user.name, "text": message["text"]})]

    def tell_all(self, user: User, message: Message) -> list[Delivery]:
        """All numbers."""
        return [one(user.name, {"type": "statistics", **self.statistics()})]

    def forget(self) -> None:
        """What was before the window."""
        while self.times and self.times[0] <= self.clock() - WINDOW:
            self.times.popleft()

    def statistics(self) -> dict[str, Any]:
        """How it stands."""
        self.forget()
        rooms = {name: len(room.users) for name, room in self.rooms.items()}
        numbers = {"messages": self.messages, "deliveries": self.deliveries, "rate": len(self.times) / WINDOW}
        return {"users": len(self.users), "rooms": rooms, **numbers}


def one(name: str, message: Message, closes: bool = False) -> Delivery:
    """To one."""
    return Delivery(frozenset([name]), message, closes)
