# ---
# jupyter:
#   weft:
#     concept: asyncio
#     difficulty: medium
#     focus: connections, rooms, back-pressure, shutdown
#     id: A2
#     minutes: 50-65
#     order: 6
#     title: Real-time chat server
# ---

# %% [markdown]
# # A2 · Real-time chat server
#
# | concept | difficulty | time | focus |
# |---|---|---|---|
# | asyncio | medium | 50–65 minutes | connections, rooms, back-pressure, shutdown |
#
# You write a chat server of the kind that sits behind support windows, classrooms and games: hundreds of WebSocket
# connections in one thread, rooms, private messages, files, and an admin who can throw people out. Then you talk to it.
#
# Afterwards you can
#
# - keep what is decided (who may what) apart from what waits (sockets),
# - send to many without waiting for the slowest, and bound what a client that never reads may cost,
# - say what may change at each `await`, and write code that does not mind,
# - close connections, tasks and a whole server so that nothing is left.

# %%
# %load_ext weft

# %% [markdown]
# ## 1 · The problem
#
# A chat server fits on one screen. This one keeps everybody in a list and sends each message to one after the other.
# It runs in a thread of its own, with an event loop of its own, so that your notebook stays free.

# %%
import json

from websockets.asyncio.server import serve

from weft.notebook.loop_thread import LoopThread

members = []


async def talk(connection):
    async for text in connection:
        message = json.loads(text)
        if message["type"] == "hello":
            await connection.send(json.dumps({"type": "welcome"}))
        elif message["type"] == "join":
            members.append(connection)
            await connection.send(json.dumps({"type": "joined", "room": message["room"]}))
        else:
            for member in members:
                await member.send(text)


async def listen():
    return await serve(talk, "127.0.0.1", 0, compression=None)


loop = LoopThread()
naive = loop.run(listen())
port = naive.sockets[0].getsockname()[1]
print("listening on port", port)

# %% [markdown]
# Three people come in. Ann says sixty long things, and Bob reads them. Slow has shut the lid of a laptop: the connection
# is open, and nobody reads at its other end. The clients run in a process of their own; it writes down what each hears.

# %%
from weft.worlds.chat_plan import enter, files

from weft.notebook import use_world

fleet = use_world("chat_fleet")


def visit(port, *people):
    """Sixty files from Ann to Bob; how many arrived, and when."""
    fleet.begin(*people, files("ann", "tea", count=60, size=60_000, heard_by=["bob"]), port=port)
    record = fleet.record(patience=10)
    print(f"{len(record.messages('bob', 'file'))} of 60 reached Bob. {record.trouble}")
    return record


two = [enter("bob", "tea"), enter("ann", "tea")]
visit(port, *two)
members.clear()
stuck = visit(port, enter("slow", "tea", reads=False), *two)

# %% [markdown]
# The second time the server stopped in the middle. `await member.send(text)` waits until the connection can take more.
# Slow's never can, so the loop stands at Slow, and Bob, who comes after Slow in the list, waits for ever. One lid has
# silenced the room. This is *head-of-line blocking*.

# %%
from weft.charts import chat_traffic

chat_traffic(stuck.trace, title="One client that never reads, and the server stands still until all hang up")

# %% [markdown]
# The server that you build has three parts. The middle one knows no sockets and never waits: it can be tested without
# either, and nothing can change behind its back.
#
# ```mermaid
# flowchart LR
#     clients["clients: polite, slow, abrupt,<br>flooding, malformed, impostors"] -- frames --> server
#     server["server: one task a connection"] -- "parse(raw)" --> protocol["protocol: is it a message?"]
#     server -- "handle(name, message)" --> rooms["rooms: may they, and who hears it?"]
#     rooms -- "deliveries: to whom, what" --> server
#     server -- "one message, many connections" --> clients
# ```

# %%
loop.close()

# %% [markdown]
# ## 2 · What to build
#
# | must have | part |
# |---|---|
# | messages that are checked on their way in: names, texts, files | 1 · `protocol` |
# | several rooms with their users; private messages; typing indicators; file sharing | 2 · `rooms` |
# | admin commands: kick, ban, mute, announce, statistics; real-time statistics | 2 · `rooms` |
# | many WebSocket connections, none of which can hurt another | 3 · `server` |
#
# | criterion | points | what is judged |
# |---|---|---|
# | correctness | 40 | who hears what, in which order |
# | concurrency | 30 | clients that never read, come twice, go without a word; shutdown |
# | performance | 15 | your CPU time for each delivery beside `websockets.broadcast`, in the same run |
# | quality | 10 | what a reviewer would send back |
# | errors | 5 | what a client sends costs that client one error, and nobody else anything |
#
# Each answer cell begins with `%%module NAME`: it is written to `NAME.py` and imported. A check cell runs your server
# in a process of its own, and real clients in another. Nothing in it can hang your notebook.

# %% [markdown]
# This is the whole protocol. Every message is one JSON object in one text frame.
#
# | client sends | fields | who gets what |
# |---|---|---|
# | `hello` | `name`, `key` (may be missing) | the sender: `welcome` with `name`, `role` |
# | `join` | `room` | all in the room: `joined` with `room`, `name`; the newcomer: `members` with `room`, `names` |
# | `leave` | `room` | those who stay, and who leaves: `left` with `room`, `name` |
# | `say` | `room`, `text` | all in the room: `said` with `room`, `by`, `text` |
# | `tell` | `to`, `text` | that person: `told` with `by`, `text` |
# | `typing` | `room` | the others: `typing` with `room`, `name`, `on` |
# | `file` | `room`, `filename`, `data` (base64) | the others: `file` with `room`, `by`, `filename`, `data` |
# | `ping` | `id` | the sender: `pong` with `id` |
# | `kick`, `ban` | `to` | that person: `kicked` with `by`, then the connection is closed |
# | `mute` | `to`, `seconds` | that person: `muted` with `by`, `seconds` |
# | `announce` | `text` | everybody: `announced` with `by`, `text` |
# | `statistics` | | the sender: `statistics` with all numbers |
# | whatever is refused | | the sender: `error` with `reason` |

# %% [markdown]
# ## 3 · Warm-up
#
# In a notebook an event loop is running already, so you can `await` at the top of a cell. Two coroutines take turns, and
# only where they wait: between two `await`s nothing else runs, whatever it is. (`asyncio.run` would refuse here, because
# a loop cannot run inside a loop. The [lesson on asyncio](../../lessons/event_loops.ipynb) shows ways around it.)

# %%
import asyncio


async def count(name: str) -> None:
    for number in range(3):
        print(name, number)
        await asyncio.sleep(0)


await asyncio.gather(count("left"), count("right"));

# %% [markdown]
# What you knew before an `await` may be wrong after it. Two guests ask for the last room; each looks, waits for the
# clerk, and takes it.

# %%
taken: list[str] = []


async def ask(guest: str) -> None:
    if not taken:
        await asyncio.sleep(0.01)  # the clerk looks something up
        taken.append(guest)


await asyncio.gather(ask("ann"), ask("bob"))
print("the room was given to", " and ".join(taken))

# %% [markdown]
# No lock was missing, and there was only one thread. The look and the taking must stand together, with no `await`
# between them: either both before it, or both after.
#
# `websockets.broadcast` writes one message to many connections and never waits. What a connection cannot take yet is
# kept in memory, in its write buffer. Its size is there to be asked for.

# %%
from websockets.asyncio.client import connect
from websockets.asyncio.server import broadcast

reading = asyncio.Event()


async def never_read(connection):
    await reading.wait()


async with serve(never_read, "127.0.0.1", 0, compression=None) as server:
    async with connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", compression=None) as client:
        for _ in range(8):
            broadcast([client], "x" * 1_000_000)
            print(f"{client.transport.get_write_buffer_size():>9,} bytes wait to be sent")
        client.transport.abort()
        reading.set()


# %% [markdown]
# The first megabytes fit into the kernel; the rest stays with you, and grows as long as you let it. Whoever does not wait must
# *bound* what piles up, by dropping messages or dropping the client. You will drop the client.

# %% [markdown]
# ## 4 · Part 1: messages
#
# Everything that a client sends is suspect. Check it once, where it comes in, and nothing behind has to check again: a
# name is a name, a text is a text, and a field that the protocol does not know (`"by": "somebody else"`) is gone.
#
# Python's `json` raises `ValueError` for what is no JSON, and something else for JSON that is nested a hundred thousand
# deep. `{"type": []}` is JSON as well. Whatever comes, `parse` returns a message or raises `Refused`.
#
# Your server passes files on, and somebody else's client will save them. A name like `../.ssh/authorized_keys` is not for
# them to find out about.

# %% nbgrader={"grade": false, "grade_id": "protocol", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module protocol
"""What passes over the wire: one JSON object a message, checked once, on its way in."""

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any

LONGEST_NAME = 24  # characters, of a user or a room
LONGEST_TEXT = 2_000  # characters
LARGEST_FILE = 64 * 1024  # bytes, before they are base64
LARGEST_FRAME = 128 * 1024  # bytes of one WebSocket message; the library closes the connection above it

Message = dict[str, Any]


class Refused(Exception):
    """What a client asks for is not done. The text goes back to that client, as the reason of an `error`."""


def check_name(value: Any) -> str:
    """A user's or a room's name: 1 to LONGEST_NAME letters, digits, `_` and `-`. Returns it, or raises Refused."""
    ### BEGIN SOLUTION
    if not isinstance(value, str) or not re.fullmatch(r"[\w-]+", value) or len(value) > LONGEST_NAME:
        raise Refused(f"a name is 1 to {LONGEST_NAME} letters, digits, _ and -")
    return value
    ### END SOLUTION


def check_text(value: Any) -> str:
    """What is said: 1 to LONGEST_TEXT characters. Returns it, or raises Refused."""
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_TEXT:
        raise Refused(f"a text is 1 to {LONGEST_TEXT} characters")
    return value


def check_word(value: Any) -> str:
    """A key or an id: at most 100 characters. Returns it, or raises Refused."""
    if not isinstance(value, str) or len(value) > 100:
        raise Refused("a key or an id is at most 100 characters")
    return value


def check_seconds(value: Any) -> float:
    """How long somebody is muted: more than 0 s, at most a day. Returns it, or raises Refused."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86_400:
        raise Refused("seconds are a number above 0, at most 86400")
    return value


def check_filename(value: Any) -> str:
    """The name under which others will save a file: 1 to 100 printable characters that lead into no other folder.

    So no `/`, no backslash, and neither `.` nor `..`. Returns it, or raises Refused.
    """
    ### BEGIN SOLUTION
    if not isinstance(value, str) or not 1 <= len(value) <= 100 or not value.isprintable():
        raise Refused("a file name is 1 to 100 printable characters")
    if value in (".", "..") or set(value) & set("/\\"):
        raise Refused("a file name must not lead into another folder")
    return value
    ### END SOLUTION


def check_data(value: Any) -> str:
    """A file's bytes in base64: at most LARGEST_FILE bytes when decoded. Returns ``value``, or raises Refused."""
    ### BEGIN SOLUTION
    try:
        size = len(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise Refused("a file's data is base64") from None
    if size > LARGEST_FILE:
        raise Refused(f"a file is at most {LARGEST_FILE} bytes, not {size}")
    return str(value)
    ### END SOLUTION


# What a client may send: each type with its fields.
FIELDS: dict[str, tuple[str, ...]] = {
    "hello": ("name", "key"),
    "join": ("room",),
    "leave": ("room",),
    "say": ("room", "text"),
    "tell": ("to", "text"),
    "typing": ("room",),
    "file": ("room", "filename", "data"),
    "ping": ("id",),
    "kick": ("to",),
    "ban": ("to",),
    "mute": ("to", "seconds"),
    "announce": ("text",),
    "statistics": (),
}

CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": check_name,
    "to": check_name,
    "room": check_name,
    "text": check_text,
    "key": check_word,
    "id": check_word,
    "seconds": check_seconds,
    "filename": check_filename,
    "data": check_data,
}

DEFAULTS = {"key": ""}  # the only field that may be missing


def parse(raw: str | bytes) -> Message:
    """The message in one frame: its `type` and the fields that FIELDS names for that type, each checked by CHECKS.

    Any other field is left out. Raises Refused, with one sentence, and nothing else, whatever ``raw`` is.
    """
    # TODO: after this, nothing that a client can send raises anything but Refused, here or in the code behind.
    ### BEGIN SOLUTION
    if not isinstance(raw, str):
        raise Refused("a message is text")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused("this is no JSON") from None
    if not isinstance(found, dict):
        raise Refused("a message is a JSON object")
    kind = found.get("type")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise Refused("there is no such type of message")
    given = {**DEFAULTS, **found}
    if missing := [name for name in FIELDS[kind] if name not in given]:
        raise Refused(f"{kind} needs {missing[0]}")
    return {"type": kind, **{name: CHECKS[name](given[name]) for name in FIELDS[kind]}}
    ### END SOLUTION


def encode(message: Message) -> str:
    """A message as it is sent."""
    return json.dumps(message)


# %% [markdown]
# Try it on what clients send.

# %%
tries = ['{"type": "say", "room": "tea", "text": "hello", "by": "somebody else"}', '{"type": "fly"}', "{", '{"type": []}']
try:
    for raw in tries:
        try:
            print(f"{raw[:40]:42}", parse(raw))
        except Refused as refusal:
            print(f"{raw[:40]:42}", "Refused:", refusal)
except NotImplementedError:
    print("Nothing to try yet: fill in the checks and parse first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Which values can `json.loads` return besides a dictionary, and which values can a dictionary have under `"type"`?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`re.fullmatch`](https://docs.python.org/3/library/re.html#re.fullmatch) for names,
# [`str.isprintable`](https://docs.python.org/3/library/stdtypes.html#str.isprintable) for file names,
# [`base64.b64decode(value, validate=True)`](https://docs.python.org/3/library/base64.html#base64.b64decode) for data; what
# does it raise? JSON that is too deep raises `RecursionError`.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `parse`: text? → JSON, or Refused → a dictionary? → `type` a string that FIELDS knows? → each field there (or in
# DEFAULTS)? → a new dictionary: the type, and for each field of FIELDS what its check returns.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": false, "grade_id": "drives", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%drives
"""How the checks call your code. Nothing is judged here: each function calls your modules and returns what happened."""

import asyncio
import json
import logging
import time
import traceback

KEY = "sesame"  # with this key one is an admin


def read(frames):
    """`parse(raw)`"""
    from protocol import Refused, parse

    found = []
    for raw in frames:
        try:
            found.append(parse(raw))
        except Refused:
            found.append("Refused")
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}"[:200])
    return found


def read_bytes():
    """`parse(b'{"type": "ping", "id": "1"}')`"""
    from protocol import Refused, parse

    try:
        return parse(b'{"type": "ping", "id": "1"}')
    except Refused:
        return "Refused"


def converse(steps):
    """`Chat(clock)`, and one call after another"""
    from protocol import Refused
    from rooms import Chat

    now, log = [1_000.0], []
    chat = Chat(clock=lambda: now[0])
    for step, *arguments in steps:
        if step == "wait":
            now[0] += arguments[0]
            continue
        try:
            log.append(plain(getattr(chat, step)(*arguments)))
        except Refused:
            log.append("Refused")
    return log


def plain(result):
    """What a call returned, as plain data."""
    if isinstance(result, dict):
        return result
    return [{"to": sorted(each.to), "message": each.message, "closes": each.closes} for each in result]


def cost(strangers, messages=1_500):
    """`handle(name, message)`, in a room of two, with so many people in other rooms"""
    from rooms import Chat

    chat = Chat(clock=lambda: 0.0)
    for number in range(strangers):
        chat.enter(f"s{number}")
        chat.handle(f"s{number}", {"type": "join", "room": f"room{number % 100}"})
    for name in ("ann", "bob"):
        chat.enter(name)
        chat.handle(name, {"type": "join", "room": "tea"})
    started = time.process_time()
    for number in range(messages):
        chat.handle("ann", {"type": "say", "room": "tea", "text": str(number)})
        chat.handle("ann", {"type": "tell", "to": "bob", "text": str(number)})
    return {"cpu": time.process_time() - started, "deliveries": chat.statistics()["deliveries"]}


class Errors(logging.Handler):
    """Keeps what is raised in tasks and handlers, where nobody else would see it."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.told = []
        logging.getLogger().addHandler(self)

    def emit(self, record):
        error = record.exc_info[1] if record.exc_info else None
        if error is None or record.getMessage() == "opening handshake failed":
            return
        lines = [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.line}"
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename.rpartition("/")[2] in ("server.py", "rooms.py", "protocol.py")
        ]
        self.told.append(f"{type(error).__name__}: {error}; {lines[-1] if lines else record.getMessage()}"[:300])


async def authenticate(name, key):
    """No key: a member. The right one: an admin. Any other: nobody."""
    await asyncio.sleep(0.01)
    return {"": "member", KEY: "admin"}.get(key)


def serve(address, **options):
    """`ChatServer(authenticate)`: started, visited by a fleet of clients, stopped"""

    async def host():
        from server import ChatServer

        from weft.worlds.chat_host import meet

        errors, own = Errors(), asyncio.current_task()
        chat_server = ChatServer(authenticate, **options)
        await chat_server.start()
        await meet(address, chat_server.port, chat_server.stop, chat_server.statistics)
        await asyncio.sleep(0.05)  # a task that is being cancelled needs a turn to end
        left = [str(task.get_coro().__qualname__) for task in asyncio.all_tasks() if task is not own]
        return {"errors": errors.told[:3], "tasks left": left}

    return asyncio.run(host())


async def visitor(port, name="", *rooms):
    """A client; with a name, it is let in and joins rooms."""
    from websockets.asyncio.client import connect

    connection = await connect(f"ws://127.0.0.1:{port}", compression=None, proxy=None)
    if name:
        await connection.send(json.dumps({"type": "hello", "name": name}))
        await wait_for(connection, "welcome")
    for room in rooms:
        await connection.send(json.dumps({"type": "join", "room": room}))
        await wait_for(connection, "members")
    return connection


async def wait_for(connection, kind):
    """Read until a message of this type comes."""
    async with asyncio.timeout(30):
        while True:
            message = json.loads(await connection.recv())
            if message["type"] == kind:
                return message


async def type_once(again=0.0):
    """`ChatServer()` on a clock that jumps: ann types, and bob listens for ten seconds"""
    from server import ChatServer

    chat_server = ChatServer()
    await chat_server.start()
    bob = await visitor(chat_server.port, "bob", "tea")
    ann = await visitor(chat_server.port, "ann", "tea")
    loop = asyncio.get_running_loop()
    began, heard = loop.time(), []

    async def listen(connection, name):
        async for raw in connection:
            message = json.loads(raw)
            if message["type"] == "typing":
                heard.append([name, message["on"], round(loop.time() - began, 2)])

    ears = [asyncio.create_task(listen(bob, "bob")), asyncio.create_task(listen(ann, "ann"))]
    await ann.send(json.dumps({"type": "typing", "room": "tea"}))
    if again:
        await asyncio.sleep(again)
        await ann.send(json.dumps({"type": "typing", "room": "tea"}))
    await asyncio.sleep(10)
    for connection in (ann, bob):
        await connection.close()
    await asyncio.gather(*ears)
    await chat_server.stop()
    return heard


async def come_at_once(names, seconds):
    """`ChatServer(authenticate)`: several say hello at the same moment, and `authenticate` takes `seconds` for each"""
    from server import ChatServer

    async def look_up(name, key):
        await asyncio.sleep(seconds)
        return "member"

    chat_server = ChatServer(look_up, patience=60.0)
    await chat_server.start()
    connections = [await visitor(chat_server.port) for _ in names]
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def greet(connection, name):
        await connection.send(json.dumps({"type": "hello", "name": name}))
        answer = json.loads(await connection.recv())
        return [name, answer["type"], round(loop.time() - began, 2)]

    answers = await asyncio.gather(*map(greet, connections, names))
    users = chat_server.statistics()["users"]
    for connection in connections:
        await connection.close()
    await chat_server.stop()
    return {"answers": answers, "users": users}


async def say_nothing(patience):
    """`ChatServer(patience=…)` on a clock that jumps: somebody connects and says nothing"""
    from server import ChatServer

    chat_server = ChatServer(patience=patience)
    await chat_server.start()
    loop = asyncio.get_running_loop()
    began = loop.time()
    silent = await visitor(chat_server.port)
    try:
        async with asyncio.timeout(10 * patience):
            await silent.wait_closed()
        code = silent.close_code
    except TimeoutError:
        code = None
    facts = {"code": code, "seconds": round(loop.time() - began, 1)}
    await silent.close()
    await chat_server.stop()
    return facts


def gets(result, name):
    """For the checks: the messages that `name` gets by what one call of Chat returned; none if it was refused."""
    return [row["message"] for row in result if name in row["to"]] if isinstance(result, list) else []


def kinds(result, name):
    """For the checks: only their types."""
    return [message["type"] for message in gets(result, name)]


# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-protocol", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
import base64
import json

from weft.judge import points, requires


def frame(kind, **fields):
    return json.dumps({"type": kind, **fields})


def only_refused(answer, frames):
    """Each of these frames is refused."""
    for raw, found in zip(frames, answer.drive(read, frames), strict=True):
        shown = raw if len(raw) < 80 else f"{raw[:60]} … ({len(raw)} characters)"
        assert found == "Refused", f"The frame is {shown}"


@points(3)
def test_good_messages(answer):
    """A good message comes through with the fields that the protocol knows, and no others."""
    frames = [
        frame("say", room="tea", text="two sugars", by="somebody else"),
        frame("hello", name="ann_1"),
        frame("hello", name="Zoë", key="sesame", role="admin"),
        frame("mute", to="bob", seconds=2.5),
    ]
    assert answer.drive(read, frames) == [
        {"type": "say", "room": "tea", "text": "two sugars"},
        {"type": "hello", "name": "ann_1", "key": ""},
        {"type": "hello", "name": "Zoë", "key": "sesame"},
        {"type": "mute", "to": "bob", "seconds": 2.5},
    ]


@points(3)
@requires("test_good_messages")
def test_malformed_messages(answer):
    """What is no message is refused: no JSON, no object, no such type, a field that is missing or of the wrong type."""
    only_refused(
        answer,
        [
            *("", "{", "[]", "7", "null", '"say"', "{}", frame("fly"), frame([]), frame("say", room="tea")),
            *(frame("say", room="tea", text=7), frame("say", room=None, text="x"), frame("tell", to=["bob"], text="x")),
            *(frame("mute", to="bob", seconds="long"), frame("mute", to="bob", seconds=-1)),
        ],
    )
    assert answer.drive(read_bytes) == "Refused", "A frame of bytes is no message."


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_good_messages")
def test_names_and_texts(answer):
    """Names are short and plain, texts are not endless: what is at the limit passes, what is above it does not."""
    good = [frame("hello", name="n" * 24), frame("say", room="-", text="x" * 2_000)]
    assert "Refused" not in answer.drive(read, good), "A name of 24 characters and a text of 2000 are good."
    bad = ["", "n" * 25, "two words", "ann\n", "ann\u0007", "\u202eann", "a/b", "../ann", "<b>"]
    only_refused(answer, [frame("hello", name=name) for name in bad])
    only_refused(answer, [frame("say", room="tea", text=text) for text in ("", "x" * 2_001)])
    only_refused(answer, ['{"type": "mute", "to": "bob", "seconds": NaN}', frame("mute", to="bob", seconds=True)])


@points(2)
@requires("test_good_messages")
def test_files(answer):
    """A file of 64 KiB passes and one byte more does not; a file name leads nowhere; data is base64."""

    def file(filename="notes.txt", size=10, data=None):
        return frame("file", room="tea", filename=filename, data=data or base64.b64encode(b"x" * size).decode())

    good = [file(size=65_536), file("Über uns (2).pdf"), file("..notes")]
    assert "Refused" not in answer.drive(read, good), "64 KiB, `Über uns (2).pdf` and `..notes` are good."
    only_refused(answer, [file(size=65_537)])
    bad = ["../notes", "..", ".", "/etc/passwd", "a/b", "..\\notes", "C:\\notes", "a\u0000b", "", "x" * 101, 7, None]
    only_refused(answer, [file(name) for name in bad])
    only_refused(answer, [file(data=data) for data in ("abc", "a*bc", "\u00e4\u00e4\u00e4\u00e4", 7, ["x"])])


### END HIDDEN TESTS

# %% [markdown]
# ## 5 · Part 2: rooms
#
# Who is where, and who may what? None of it needs a socket. A `Chat` takes what somebody did, changes its own books and
# returns *deliveries*: this message, to these names. It never waits, so in asyncio each of its calls is one step that
# nothing can come in between. Programs that are cut here are called *sans-I/O*.
#
# Two things are easily forgotten. What came in must go out: whoever leaves, in whichever way, is taken out of every room,
# and a room that nobody is in any more is gone too, or after a year there are a million of them. And time passes without
# a message: nobody sends "I have stopped typing". Whoever calls `expire` now and then finds out.
#
# A `Delivery` says *to whom* as it was when the message was taken. If it held the room's own set, the set could change
# while somebody is still going through it.

# %% nbgrader={"grade": false, "grade_id": "rooms", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module rooms
"""Who is where, and who may what. No sockets, no waiting: each call says what is to be delivered to whom."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from protocol import Message, Refused

TYPING = 3.0  # seconds for which "is typing" holds
WINDOW = 5.0  # seconds over which the rate of messages is taken


@dataclass(frozen=True)
class Delivery:
    """A message, and the names of those who get it. With ``closes`` it is the last that they get."""

    to: frozenset[str]
    message: Message
    closes: bool = False


def deliver(to: Iterable[str], kind: str, *, closes: bool = False, **fields: Any) -> Delivery:
    """A Delivery of a message of this type, with these fields, to these names."""
    return Delivery(frozenset(to), {"type": kind, **fields}, closes)


class Chat:
    """Everybody who is in, by name, and every room. ``clock`` gives seconds; the checks pass one of their own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.roles: dict[str, str] = {}  # everybody who is in: "member" or "admin"
        self.rooms: dict[str, set[str]] = {}  # who is where; no room is empty
        self.typing_until: dict[tuple[str, str], float] = {}  # (room, name)
        self.muted_until: dict[str, float] = {}
        self.banned: set[str] = set()
        self.recent: deque[float] = deque()  # when each message of the last WINDOW seconds was taken
        self.messages = self.deliveries = 0

    def enter(self, name: str, role: str = "member") -> list[Delivery]:
        """Let somebody in, as "member" or "admin"; they get `welcome`. Raises Refused for a name taken or banned."""
        ### BEGIN SOLUTION
        if name in self.banned:
            raise Refused(f"{name} is banned")
        if name in self.roles:
            raise Refused(f"the name {name} is taken")
        self.roles[name] = role
        return [deliver([name], "welcome", name=name, role=role)]
        ### END SOLUTION

    def exit(self, name: str) -> list[Delivery]:
        """Somebody is gone, out of every room, whose others get `left`. No effect if they are not in."""
        # TODO: after this, the name is free, and nothing is left of them, nor of a room in which nobody is left.
        ### BEGIN SOLUTION
        if self.roles.pop(name, None) is None:
            return []
        rooms = [room for room, members in self.rooms.items() if name in members]
        return [delivery for room in rooms for delivery in self._out(name, room)]

    def _out(self, name: str, room: str) -> list[Delivery]:
        """Take somebody out of one room, and forget the room if it is empty."""
        self.typing_until.pop((room, name), None)
        self.rooms[room].discard(name)
        if not self.rooms[room]:
            del self.rooms[room]
            return []
        return [deliver(self.rooms[room], "left", room=room, name=name)]
        ### END SOLUTION

    def handle(self, name: str, message: Message) -> list[Delivery]:
        """What follows from a message that ``name``, who is in, has sent. Raises Refused if they may not."""
        kind = message["type"]
        if kind == "hello":
            raise Refused("you are in already")
        if kind in ("kick", "ban", "mute", "announce", "statistics"):
            self._require_admin(name)
        if kind in ("say", "tell", "typing", "file"):
            self._require_voice(name)
        deliveries: list[Delivery] = getattr(self, f"_{kind}")(name, message)
        if kind in ("say", "tell", "file", "announce"):
            self._count(deliveries)
        return deliveries

    def _require_admin(self, name: str) -> None:
        if self.roles[name] != "admin":
            raise Refused("only an admin may do this")

    def _require_voice(self, name: str) -> None:
        if (left := self.muted_until.get(name, 0.0) - self.clock()) > 0:
            raise Refused(f"you are muted for another {left:.0f} s")

    def _members(self, name: str, message: Message) -> set[str]:
        """Everybody in the room that the message names. Raises Refused if ``name`` is not there."""
        members = self.rooms.get(message["room"], set())
        if name not in members:
            raise Refused(f"you are not in {message['room']}")
        return members

    def _present(self, message: Message) -> str:
        """Whom the message is for. Raises Refused if they are not in."""
        if message["to"] not in self.roles:
            raise Refused(f"there is no {message['to']}")
        return str(message["to"])

    def _ping(self, name: str, message: Message) -> list[Delivery]:
        return [deliver([name], "pong", id=message["id"])]

    def _join(self, name: str, message: Message) -> list[Delivery]:
        """All in the room get `joined`, the newcomer too; the newcomer gets `members`, names in order. Not twice."""
        ### BEGIN SOLUTION
        members = self.rooms.setdefault(message["room"], set())
        if name in members:
            raise Refused(f"you are in {message['room']} already")
        members.add(name)
        return [
            deliver(members, "joined", room=message["room"], name=name),
            deliver([name], "members", room=message["room"], names=sorted(members)),
        ]
        ### END SOLUTION

    def _leave(self, name: str, message: Message) -> list[Delivery]:
        """Those who stay get `left`, and so does the one who leaves."""
        ### BEGIN SOLUTION
        self._members(name, message)
        return [deliver([name], "left", room=message["room"], name=name), *self._out(name, message["room"])]
        ### END SOLUTION

    def _say(self, name: str, message: Message) -> list[Delivery]:
        """All in the room get `said`, the speaker too. Who speaks is no longer typing there."""
        ### BEGIN SOLUTION
        members = self._members(name, message)
        self.typing_until.pop((message["room"], name), None)
        return [deliver(members, "said", room=message["room"], by=name, text=message["text"])]
        ### END SOLUTION

    def _tell(self, name: str, message: Message) -> list[Delivery]:
        """One person gets `told`, and nobody else. Refused if they are not in."""
        ### BEGIN SOLUTION
        return [deliver([self._present(message)], "told", by=name, text=message["text"])]
        ### END SOLUTION

    def _typing(self, name: str, message: Message) -> list[Delivery]:
        """The others in the room get `typing` with `on` true; again within TYPING seconds, it is only prolonged."""
        ### BEGIN SOLUTION
        others = self._members(name, message) - {name}
        known = (message["room"], name) in self.typing_until
        self.typing_until[message["room"], name] = self.clock() + TYPING
        return [] if known else [deliver(others, "typing", room=message["room"], name=name, on=True)]
        ### END SOLUTION

    def expire(self) -> list[Delivery]:
        """For whoever has not typed for TYPING seconds, the others in the room get `typing` with `on` false, once."""
        ### BEGIN SOLUTION
        now = self.clock()
        over = [key for key, until in self.typing_until.items() if until <= now]
        for key in over:
            del self.typing_until[key]
        return [deliver(self.rooms[room] - {name}, "typing", room=room, name=name, on=False) for room, name in over]
        ### END SOLUTION

    def _file(self, name: str, message: Message) -> list[Delivery]:
        """The others in the room get `file`."""
        ### BEGIN SOLUTION
        others = self._members(name, message) - {name}
        return [Delivery(frozenset(others), {**message, "by": name})]
        ### END SOLUTION

    def _kick(self, name: str, message: Message) -> list[Delivery]:
        """They get `kicked`, and that is the last that they get; then they are gone, as in exit."""
        ### BEGIN SOLUTION
        target = self._present(message)
        return [deliver([target], "kicked", by=name, closes=True), *self.exit(target)]
        ### END SOLUTION

    def _ban(self, name: str, message: Message) -> list[Delivery]:
        """A kick, if they are in; and nobody enters under that name again."""
        ### BEGIN SOLUTION
        self.banned.add(message["to"])
        return self._kick(name, message) if message["to"] in self.roles else []
        ### END SOLUTION

    def _mute(self, name: str, message: Message) -> list[Delivery]:
        """They get `muted`, and for so many seconds may not say, tell, type or send files, also if they come back."""
        ### BEGIN SOLUTION
        target = self._present(message)
        self.muted_until[target] = self.clock() + message["seconds"]
        return [deliver([target], "muted", by=name, seconds=message["seconds"])]
        ### END SOLUTION

    def _announce(self, name: str, message: Message) -> list[Delivery]:
        """Everybody who is in gets `announced`."""
        return [deliver(self.roles, "announced", by=name, text=message["text"])]

    def _statistics(self, name: str, message: Message) -> list[Delivery]:
        return [deliver([name], "statistics", **self.statistics())]

    def _count(self, deliveries: list[Delivery]) -> None:
        """One more message was taken, now; and it goes to so many people."""
        ### BEGIN SOLUTION
        self.messages += 1
        self.deliveries += sum(len(delivery.to) for delivery in deliveries)
        self.recent.append(self.clock())
        self._forget_old()
        ### END SOLUTION

    def statistics(self) -> dict[str, Any]:
        """How it stands, now.

        `users` in all; `rooms`: how many are in each; `messages` taken so far and their `deliveries`; `rate`, in
        messages per second, over the last WINDOW seconds.
        """
        ### BEGIN SOLUTION
        self._forget_old()
        return {
            "users": len(self.roles),
            "rooms": {room: len(members) for room, members in self.rooms.items()},
            "messages": self.messages,
            "deliveries": self.deliveries,
            "rate": len(self.recent) / WINDOW,
        }

    def _forget_old(self) -> None:
        while self.recent and self.recent[0] <= self.clock() - WINDOW:
            self.recent.popleft()
        ### END SOLUTION


# %% [markdown]
# Try it by hand. There are no connections yet, and none are missed.

# %%
try:
    chat = Chat()
    chat.enter("ann"), chat.enter("bob", "admin")
    for name, message in [
        ("ann", {"type": "join", "room": "tea"}),
        ("bob", {"type": "join", "room": "tea"}),
        ("ann", {"type": "typing", "room": "tea"}),
        ("ann", {"type": "say", "room": "tea", "text": "two sugars"}),
        ("bob", {"type": "kick", "to": "ann"}),
    ]:
        for delivery in chat.handle(name, message):
            print(f"{name} {message['type']:7} → {', '.join(sorted(delivery.to)):9}", delivery.message)
except NotImplementedError:
    print("Nothing to try yet: fill in Chat first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# In how many ways can somebody leave a room? Is there one place in your code that all of them go through?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`dict.setdefault`](https://docs.python.org/3/library/stdtypes.html#dict.setdefault) opens a room,
# [`frozenset`](https://docs.python.org/3/library/stdtypes.html#frozenset) (in `deliver`) keeps who was in it, and
# [`collections.deque`](https://docs.python.org/3/library/collections.html#collections.deque) forgets old messages from the
# left. A dictionary must not change while you go through it: collect first, then delete.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# One helper takes a name out of a room: typing forgotten, member gone, empty room gone, `left` to the rest. `_leave` calls
# it once, `exit` for every room, `_kick` calls `exit`, `_ban` calls `_kick`.
# `_typing`: known already? Note the new time; deliver only if it was not known. `expire`: whose time is over → forget → off.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-rooms", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires

#: Ann and Bob are in tea, Cy is in milk, Eve is an admin and in no room.
INSIDE = [
    *(("enter", name) for name in ("ann", "bob", "cy")),
    ("enter", "eve", "admin"),
    ("handle", "ann", {"type": "join", "room": "tea"}),
    ("handle", "bob", {"type": "join", "room": "tea"}),
    ("handle", "cy", {"type": "join", "room": "milk"}),
]


def after(answer, *steps):
    """What the last of these steps returned, when everybody is inside."""
    return answer.drive(converse, [*INSIDE, *steps])[-1]


def does(name, kind, **fields):
    return ("handle", name, {"type": kind, **fields})


@points(3)
def test_a_room_hears(answer):
    """What is said in a room is heard by all in it, the speaker too, and by nobody else."""
    log = answer.drive(converse, [*INSIDE, does("ann", "say", room="tea", text="two sugars")])
    assert kinds(log[5], "ann") == ["joined"], "When Bob joins, Ann gets `joined`."
    assert gets(log[5], "bob")[-1] == {"type": "members", "room": "tea", "names": ["ann", "bob"]}
    said = {"type": "said", "room": "tea", "by": "ann", "text": "two sugars"}
    told = {name: gets(log[-1], name) for name in ("ann", "bob", "cy", "eve")}
    assert told == {"ann": [said], "bob": [said], "cy": [], "eve": []}
    refused = after(answer, does("cy", "say", room="tea", text="I am not in this room"))
    assert refused == "Refused", "Cy speaks in a room that he is not in."


@points(2)
@requires("test_a_room_hears")
def test_who_left_hears_nothing(answer):
    """Who has left a room hears nothing of it, and a room that nobody is in is gone."""
    leaves = does("bob", "leave", room="tea")
    log = answer.drive(converse, [*INSIDE, leaves, does("ann", "say", room="tea", text="x"), leaves])
    left = {"type": "left", "room": "tea", "name": "bob"}
    assert (gets(log[-3], "ann"), gets(log[-3], "bob")) == ([left], [left]), "Both get `left`, once."
    assert kinds(log[-2], "bob") == [], "Bob has left, and hears what Ann says."
    assert log[-1] == "Refused", "Bob leaves a room that he is not in."
    rooms = after(answer, ("exit", "ann"), leaves, does("cy", "leave", room="milk"), ("statistics",))["rooms"]
    assert rooms == {}, "Everybody has left every room."


@points(2)
@requires("test_a_room_hears")
def test_a_private_message(answer):
    """A private message reaches one person, in whatever room they are; one to nobody is refused."""
    told = after(answer, does("ann", "tell", to="cy", text="psst"))
    assert {name: gets(told, name) for name in ("ann", "bob", "cy", "eve")} == {
        "ann": [],
        "bob": [],
        "cy": [{"type": "told", "by": "ann", "text": "psst"}],
        "eve": [],
    }
    assert after(answer, does("ann", "tell", to="zoe", text="psst")) == "Refused", "There is no Zoe."


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_a_room_hears")
def test_typing(answer):
    """Typing is told to the others once, prolonged silently, ended once; it does not outlive a message or a goodbye."""
    types = does("ann", "typing", room="tea")
    log = answer.drive(
        converse,
        [*INSIDE, types, ("wait", 2.0), types, ("wait", 2.0), ("expire",), ("wait", 1.5), ("expire",), ("expire",)],
    )[len(INSIDE) :]
    on, off = ({"type": "typing", "room": "tea", "name": "ann", "on": value} for value in (True, False))
    assert [gets(each, "bob") for each in log] == [[on], [], [], [off], []], (
        "Ann types at 0 s and at 2 s, and nothing after that. Bob is told at once, and when 3 s have passed since the last."
    )
    assert [gets(each, "ann") + gets(each, "cy") for each in log] == [[]] * 5, "Only the others in the room are told."
    for end in (does("ann", "say", room="tea", text="x"), does("ann", "leave", room="tea"), ("exit", "ann")):
        assert after(answer, types, end, ("wait", 9.0), ("expire",)) == [], "It was over before it could expire."


@points(2)
@requires("test_a_room_hears")
def test_statistics(answer):
    """Statistics count users, rooms, messages and their deliveries, and forget the rate of long ago."""
    says = does("ann", "say", room="tea", text="x")
    steps = [says, does("ann", "tell", to="cy", text="x"), does("ann", "ping", id="1"), ("wait", 3.0), says]
    now = after(answer, *steps, ("statistics",))
    assert now == {"users": 4, "rooms": {"tea": 2, "milk": 1}, "messages": 3, "deliveries": 5, "rate": 0.6}, (
        "Two messages to a room of two and one to one person, in the last five seconds."
    )
    later = after(answer, *steps, ("wait", 3.0), ("exit", "cy"), ("statistics",))
    assert later == {"users": 3, "rooms": {"tea": 2}, "messages": 3, "deliveries": 5, "rate": 0.2}


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-admin", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires

#: Ann and Bob are in tea, Eve is an admin.
INSIDE = [
    *(("enter", name) for name in ("ann", "bob")),
    ("enter", "eve", "admin"),
    ("handle", "ann", {"type": "join", "room": "tea"}),
    ("handle", "bob", {"type": "join", "room": "tea"}),
]


def after(answer, *steps):
    """What these steps returned, when everybody is inside."""
    return answer.drive(converse, [*INSIDE, *steps])[len(INSIDE) :]


def does(name, kind, **fields):
    return ("handle", name, {"type": kind, **fields})


def commands(name):
    """Every command of an admin's."""
    return [
        does(name, "mute", to="ann", seconds=60),
        does(name, "announce", text="tea is ready"),
        does(name, "statistics"),
        does(name, "kick", to="ann"),
        does(name, "ban", to="ann"),
    ]


@points(3)
def test_only_an_admin(answer):
    """Kick, ban, mute, announce and statistics are an admin's; from anybody else they are refused and change nothing."""
    log = after(answer, *commands("bob"), does("ann", "say", room="tea", text="still here"))
    assert log[:-1] == ["Refused"] * 5, "Bob is no admin."
    assert kinds(log[-1], "bob") == ["said"], "Refused commands must change nothing: Ann is in, and not muted."
    log = after(answer, *commands("eve"))
    told = [kinds(log[0], "ann"), kinds(log[1], "bob"), kinds(log[2], "eve"), kinds(log[3], "ann"), kinds(log[3], "bob")]
    assert told == [["muted"], ["announced"], ["statistics"], ["kicked"], ["left"]]
    closing = [(row["to"], row["message"]["type"]) for row in log[3] if row["closes"]]
    assert closing == [(["ann"], "kicked")], "The delivery of `kicked` is the one that closes, and goes to Ann alone."


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_only_an_admin")
def test_mute_and_ban(answer):
    """Who is muted is silent for so long, also after coming back; who is banned does not come back; who is kicked may."""
    says, back = does("ann", "say", room="tea", text="x"), ("enter", "ann")
    whispers = does("ann", "tell", to="bob", text="x")
    mute = does("eve", "mute", to="ann", seconds=60)
    log = after(answer, mute, says, whispers, ("wait", 59.0), says, ("wait", 2.0), says)
    assert log[1:4] == ["Refused"] * 3, "Ann is muted for 60 s, in rooms and in private."
    assert kinds(log[4], "bob") == ["said"], "61 s later she is not."
    log = after(answer, mute, ("exit", "ann"), back, does("ann", "join", room="tea"), says)
    assert log[-1] == "Refused", "Leaving and coming back does not undo a mute."
    assert kinds(after(answer, does("eve", "kick", to="ann"), back)[-1], "ann") == ["welcome"], "A kick is not a ban."
    log = after(answer, does("eve", "ban", to="ann"), back)
    assert "kicked" in kinds(log[0], "ann"), "A ban throws out who is in."
    assert log[1] == "Refused", "Ann is banned."
    assert after(answer, does("eve", "ban", to="zoe"), ("enter", "zoe"))[-1] == "Refused", "Zoe was banned before she came."


### END HIDDEN TESTS

# %% [markdown]
# ## 6 · Part 3: the server
#
# `websockets` runs `_talk(connection)` as one task for each connection, and ends the connection when it returns. A client
# may leave in three ways: politely, by a reset of TCP, or by being thrown out. In each of them `_talk` comes to its
# `finally`.
#
# Think about two moments. Between a `hello` and its welcome, `authenticate` looks the key up, and takes its time: what may
# have happened to the name meanwhile? And between a kick and the end of the kicked client's task there may be seconds,
# in which somebody new has come under the same name: what does the old task's `finally` delete?
#
# Sending is one place, `_deliver`, and it does not wait. Who does not read is dropped once `backlog` bytes wait for them.
# `send_now` is given: it does what `broadcast` does, and makes the WebSocket frame once for all instead of once for each.

# %% nbgrader={"grade": false, "grade_id": "server", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module server
"""The chat over WebSockets: one task for each connection, and one place from which everything is sent."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from protocol import LARGEST_FRAME, Refused, encode, parse
from rooms import Chat, Delivery
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.protocol import State

logger = logging.getLogger(__name__)

# Looks up, in its own time, who comes with this name and key: "member", "admin", or None for nobody who may enter.
Authenticate = Callable[[str, str], Awaitable[str | None]]

TICK = 0.25  # seconds between two looks at who is no longer typing
GRACE = 1.0  # seconds in which a client may answer the closing of its connection
POLICY = 1008  # the WebSocket close code for "you broke the rules"


async def everybody(name: str, key: str) -> str | None:
    """Everybody may enter, as a member; nobody is an admin."""
    return "member"


def send_now(connections: Iterable[ServerConnection], text: str) -> None:
    """Write ``text`` to every one of these connections that is open, and wait for none of them.

    As ``websockets.broadcast`` does; but the frame is made once, and the same bytes are handed to every transport, which
    is right as long as nothing is compressed and no message is sent in fragments.
    """
    frame = Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
    for connection in connections:
        if connection.protocol.state is State.OPEN:
            connection.transport.write(frame)


class ChatServer:
    """Serves one Chat on ``host`` and ``port`` (0: any free one; ``port`` tells which after start).

    A connection that has not been let in after ``patience`` seconds is closed. One for which more than ``backlog``
    bytes wait to be sent, because its client does not read, is dropped.
    """

    def __init__(
        self,
        authenticate: Authenticate = everybody,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        patience: float = 10.0,
        backlog: int = 1 << 20,
    ) -> None:
        self.authenticate = authenticate
        self.host, self.port = host, port
        self.patience, self.backlog = patience, backlog
        self.chat = Chat()
        self.connections: dict[str, ServerConnection] = {}  # of everybody who is in, by name
        self.dropped = 0  # how many were dropped because they did not read
        # TODO: whatever else start, stop and the sending need.
        ### BEGIN SOLUTION
        self._tasks: set[asyncio.Task[None]] = set()
        ### END SOLUTION

    async def start(self) -> None:
        """Begin to serve: ``_talk`` for each connection, without compression, frames of at most LARGEST_FRAME bytes."""
        # TODO: after this, clients can connect, and typing expires by itself.
        ### BEGIN SOLUTION
        self._server = await serve(
            self._talk, self.host, self.port, compression=None, max_size=LARGEST_FRAME, close_timeout=GRACE
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._ticking = asyncio.create_task(self._tick())
        ### END SOLUTION

    async def stop(self) -> None:
        """Stop to serve: every connection is closed with code 1001, and no task of this server is left.

        Who does not answer within GRACE is not waited for: that connection is cut.
        """
        ### BEGIN SOLUTION
        self._ticking.cancel()
        self._server.close()
        await asyncio.wait([asyncio.ensure_future(self._server.wait_closed())], timeout=GRACE)
        for connection in self.connections.values():
            connection.transport.abort()
        await self._server.wait_closed()
        await asyncio.gather(self._ticking, *self._tasks, return_exceptions=True)
        ### END SOLUTION

    def statistics(self) -> dict[str, Any]:
        """The chat's statistics, and how many were dropped so far."""
        return {**self.chat.statistics(), "dropped": self.dropped}

    async def _talk(self, connection: ServerConnection) -> None:
        """One connection, from its hello to its end, however it ends."""
        # TODO: after this, the chat and self.connections know nothing of it any more, and of everybody else all.
        ### BEGIN SOLUTION
        name = ""
        try:
            async with asyncio.timeout(self.patience):
                name = await self._greet(connection)
            await self._listen(name, connection)
        except TimeoutError:
            await connection.close(POLICY, "no hello")
        except ConnectionClosed as ending:
            logger.debug("%s is gone: %s", name or "somebody", ending)
        finally:
            if self.connections.get(name) is connection:
                self._deliver(self._forget(name))
        ### END SOLUTION

    async def _greet(self, connection: ServerConnection) -> str:
        """Wait for a hello that is good and let its sender in; the name. What else comes is answered with an `error`.

        Raises ConnectionClosed if they go.
        """
        # TODO: after this, self.connections has the connection under a name that nobody else has, also not by chance.
        ### BEGIN SOLUTION
        while True:
            raw = await connection.recv()
            try:
                hello = parse(raw)
                if hello["type"] != "hello":
                    raise Refused("say hello first")
                role = await self.authenticate(hello["name"], hello["key"])
                if role is None:
                    raise Refused("this key is not yours")
                welcome = self.chat.enter(hello["name"], role)
            except Refused as refusal:
                await self._refuse(connection, refusal)
            else:
                self.connections[hello["name"]] = connection
                self._deliver(welcome)
                return str(hello["name"])

    async def _listen(self, name: str, connection: ServerConnection) -> None:
        """Take one message after another, as long as this connection is the one of ``name``."""
        async for raw in connection:
            if self.connections.get(name) is not connection:
                return
            try:
                self._deliver(self.chat.handle(name, parse(raw)))
            except Refused as refusal:
                await self._refuse(connection, refusal)

    async def _refuse(self, connection: ServerConnection, refusal: Refused) -> None:
        await connection.send(encode({"type": "error", "reason": str(refusal)}))
        ### END SOLUTION

    def _deliver(self, deliveries: Iterable[Delivery]) -> None:
        """Send each message to those who are to get it. Waits for nobody.

        Who is too far behind, by ``backlog``, is dropped: out of the chat, and the connection cut. Whoever gets a
        delivery that closes has their connection closed with code POLICY.
        """
        # TODO: after this, a client that never reads has delayed nobody, and holds no more memory than backlog.
        ### BEGIN SOLUTION
        waiting = deque(deliveries)
        while waiting:
            delivery = waiting.popleft()
            receivers = [(name, self.connections[name]) for name in delivery.to if name in self.connections]
            send_now([connection for _, connection in receivers], encode(delivery.message))
            for name, connection in receivers:
                if delivery.closes:
                    self._close(name, connection)
                elif connection.transport.get_write_buffer_size() > self.backlog:
                    self.dropped += 1
                    waiting.extend(self._forget(name))
                    connection.transport.abort()

    def _forget(self, name: str) -> list[Delivery]:
        """From now on this name belongs to nobody. What the others are told."""
        del self.connections[name]
        return self.chat.exit(name)

    def _close(self, name: str, connection: ServerConnection) -> None:
        """Close a connection without waiting for it. The name may be somebody else's in the meantime."""
        del self.connections[name]
        task = asyncio.create_task(self._part(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _part(self, connection: ServerConnection) -> None:
        """Close it; cut it if the client does not read even that."""
        try:
            async with asyncio.timeout(GRACE):
                await connection.close(POLICY, "kicked")
        finally:
            connection.transport.abort()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._deliver(self.chat.expire())
        ### END SOLUTION


# %% [markdown]
# Try it with the three people of the beginning. Slow still does not read.

# %%
loop = LoopThread()
try:
    chat_server = ChatServer()
    loop.run(chat_server.start())
    flowing = visit(chat_server.port, enter("slow", "tea", reads=False), *two)
    print(chat_server.statistics())
    loop.run(chat_server.stop())
except NotImplementedError:
    print("Nothing to try yet: fill in ChatServer first.")
finally:
    loop.close()

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# How does a task find out whether the name that it came in with still belongs to its own connection?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# `send_now(connections, text)` never waits,
# [`connection.transport.get_write_buffer_size()`](https://docs.python.org/3/library/asyncio-protocol.html#asyncio.WriteTransport.get_write_buffer_size)
# tells what piles up, `transport.abort()` cuts it.
# [`asyncio.timeout`](https://docs.python.org/3/library/asyncio-task.html#asyncio.timeout) bounds the greeting. `async for`
# over a connection raises `ConnectionClosed` if it ends badly. `server.close()` closes with 1001.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `_talk`: greet, with a timeout → for each frame: still mine? parse, handle, deliver; Refused → `error` to this one.
# `finally`: if `self.connections.get(name) is connection`: forget the name, exit, tell the others.
# `_deliver`: names → connections → send_now → whoever closes: out of the dictionary, `close` as a task that is kept; whoever
# is too far behind: out, `exit`, abort, and what `exit` returned is delivered too.
# `stop`: close, wait for at most GRACE, abort whoever is left, wait for the rest.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-server", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires
from weft.worlds.chat_plan import burst, closed, connect, drop, enter, files, hears, look, send, settled, together

SPEAKERS = ("ann", "bob", "cy")


@points(3)
def test_everybody_hears_everything(answer, chat_fleet):
    """Three people talk at once: each hears every message once, all in the same order, and each speaker's own order."""
    texts = {name: [f"{name} {number}" for number in range(40)] for name in SPEAKERS}
    record = chat_fleet.play(
        answer.drive, serve,
        *(enter(name, "tea") for name in SPEAKERS), enter("dora", "milk"),
        together(*([burst(name, "tea", texts[name])] for name in SPEAKERS)),
        *(hears(name, "said", count=120) for name in SPEAKERS), settled(*SPEAKERS, "dora"),
    )  # fmt: skip
    for listener in SPEAKERS:
        heard = record.texts(listener)
        for speaker in SPEAKERS:
            from_one = [text for text in heard if text.startswith(speaker)]
            assert from_one == texts[speaker], f"{listener} heard this of {speaker}; wanted is what {speaker} said."
    assert record.texts("bob") == record.texts("ann"), "Ann and Bob hear the room in different orders."
    assert record.texts("dora") == [], "Dora is in another room."


@points(2)
@requires("test_everybody_hears_everything")
def test_abrupt_means_gone(answer, chat_fleet):
    """Whose connection breaks is gone: the room is told, no ghost is counted, and the name is free at once."""
    record = chat_fleet.play(
        answer.drive, serve,
        enter("ann", "tea"), enter("bob", "tea"), drop("bob"), hears("ann", "left", name="bob"), look(),
        enter("newcomer", "tea", name="bob"), send("ann", "say", room="tea", text="welcome back"),
        hears("newcomer", "said"),
    )  # fmt: skip
    assert (record.looks[0]["users"], record.looks[0]["rooms"]) == (1, {"tea": 1}), "Bob's connection was reset."
    assert record.facts["errors"] == [], "Your server logged this when the connection broke."


@points(2)
@requires("test_everybody_hears_everything")
def test_a_file_arrives(answer, chat_fleet):
    """A file of 64 KiB arrives intact at the others in the room; one byte more is refused, and so is a way out."""
    record = chat_fleet.play(
        answer.drive, serve,
        enter("ann", "tea"), enter("bob", "tea"), files("ann", "tea", count=1, size=65_536), hears("bob", "file"),
        files("ann", "tea", count=1, size=65_537), files("ann", "tea", count=1, size=10, filename="../notes"),
        hears("ann", "error", count=2), settled("ann", "bob"),
    )  # fmt: skip
    (file,) = record.messages("bob", "file")
    intact = file.get("data") == chat_fleet.digest_of_file(size=65_536)
    assert intact, "The bytes that Bob got are not those that Ann sent."
    assert (file.get("by"), file.get("filename")) == ("ann", "file-0")
    assert record.messages("ann", "file") == [], "Who sent it has it already."


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_everybody_hears_everything")
def test_admin_over_the_wire(answer, chat_fleet):
    """A wrong key lets nobody in, a right one makes an admin; who is kicked is told and closed with 1008."""
    record = chat_fleet.play(
        answer.drive, serve,
        enter("ann", "tea"), enter("bob", "tea"),
        connect("impostor"), send("impostor", "say", room="tea", text="too early"), hears("impostor", "error"),
        send("impostor", "hello", name="eve", key="guess"), hears("impostor", "error", count=2),
        send("impostor", "hello", name="ann"), hears("impostor", "error", count=3),
        send("impostor", "hello", name="mallory"), hears("impostor", "welcome"),
        send("impostor", "kick", to="ann"), hears("impostor", "error", count=4),
        enter("eve", key="sesame"), send("eve", "kick", to="bob"), hears("bob", "kicked"), closed("bob"),
        hears("ann", "left", name="bob"), look(),
    )  # fmt: skip
    assert record.codes["bob"] == 1008, "The code with which the kicked connection was closed."
    assert record.messages("eve", "welcome")[0].get("role") == "admin", "Eve came with the right key."
    assert record.looks[0]["users"] == 3, "Ann, Mallory and Eve are in."


@points(3)
@requires("test_everybody_hears_everything")
def test_typing_ends(answer):
    """Typing ends by itself, three to four seconds after the last sign of it, and is not told to who types."""
    for again, earliest in ((0.0, 3.0), (2.0, 5.0)):
        heard = answer.virtually(type_once, again=again).result
        told = f"Ann typed{' at 0 and at 2 s' if again else ''}; who heard that she is typing (True) and is not (False)."
        assert [row[:2] for row in heard] == [["bob", True], ["bob", False]], told
        assert earliest <= heard[-1][2] <= earliest + 1.0, "So many seconds after Ann began to type it was over."


### END HIDDEN TESTS

# %% [markdown]
# Now the clients that hurt. One never reads, one comes and goes in the middle of a message, one was thrown out and does
# not hang up, two want the same name at the same moment, one floods. All others must not notice.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-clients", "locked": true, "points": 20, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires
from weft.worlds.chat_plan import burst, enter, files, hears, look, send, settled, together


def flow(answer, chat_fleet, *first, count):
    """Ann sends many files to Bob, in a room where these clients are too."""
    return chat_fleet.play(
        answer.drive, serve, *first, enter("bob", "tea"), enter("ann", "tea"),
        files("ann", "tea", count=count, size=60_000, heard_by=["bob"]), settled("ann", "bob"), look(),
        deadline=30.0,
    )  # fmt: skip


@points(5)
def test_never_reads(answer, chat_fleet):
    """A client that never reads delays nobody: megabytes go past it to the others."""
    record = flow(answer, chat_fleet, enter("slow", "tea", reads=False), count=chat_fleet.files_to_overflow(60_000))
    names = [file.get("filename") for file in record.messages("bob", "file")]
    assert names == [f"file-{number}" for number in range(len(names))], "Bob has not heard each file once, in order."
    assert record.facts["errors"] == [], "Your server logged this meanwhile."


@points(4)
def test_come_and_go(answer, chat_fleet):
    """While people come and go in the midst of messages, who stays hears all of them, and no task dies of it."""
    texts = [f"{number}" for number in range(150)]
    restless = [
        [step for _ in range(15) for step in (send(who, "join", room="tea"), send(who, "leave", room="tea"), settled(who))]
        for who in ("cy", "dora", "emil")
    ]
    record = chat_fleet.play(
        answer.drive, serve, enter("ann", "tea"), enter("bob", "tea"), *(enter(who) for who in ("cy", "dora", "emil")),
        together([burst("ann", "tea", texts), hears("bob", "said", count=150)], *restless), look(),
    )  # fmt: skip
    assert record.texts("bob") == texts, "Bob has not heard exactly what Ann said."
    assert record.looks[0]["rooms"] == {"tea": 2}, "Ann and Bob are left in the room."
    assert record.facts["errors"] == [], "Your server logged this meanwhile."


@points(4)
def test_one_name_for_one(answer):
    """Three say hello with one name at the same moment, while their keys are looked up: exactly one of them is let in."""
    facts = answer.virtually(come_at_once, ["ann", "ann", "ann"], 1.0).result
    assert sorted(kind for _, kind, _ in facts["answers"]) == ["error", "error", "welcome"]
    assert facts["users"] == 1


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_never_reads")
def test_memory_is_bounded(answer, chat_fleet):
    """What a client does not read does not pile up: a dozen megabytes past it cost one or two."""
    count = 100 + chat_fleet.files_to_overflow(60_000)
    flow(answer, chat_fleet, enter("reader", "tea"), count=count)
    usual = answer.usage.peak_rss
    record = flow(answer, chat_fleet, enter("slow", "tea", reads=False), count=count)
    more = round((answer.usage.peak_rss - usual) / 1e6)
    assert more <= 5, "So many more megabytes your server needed than with a client in its place that reads."
    now = {name: record.looks[0].get(name) for name in ("dropped", "users")}
    assert now == {"dropped": 1, "users": 2}, "Who does not read is dropped, counted in statistics(), and gone."


@points(2)
@requires("test_one_name_for_one")
def test_hellos_do_not_queue(answer):
    """Looking up one key delays nobody else: five hellos, each looked up for a second, take about a second in all."""
    facts = answer.virtually(come_at_once, ["ann", "bob", "cy", "dora", "emil"], 1.0).result
    assert [kind for _, kind, _ in facts["answers"]] == ["welcome"] * 5
    assert max(seconds for _, _, seconds in facts["answers"]) <= 1.9, "Seconds until the last was welcome."


@points(1)
@requires("test_come_and_go")
def test_a_flood(answer, chat_fleet):
    """Who floods one room gets every message back once and in order, and people in another room are heard meanwhile."""
    flood = [f"flood {number}" for number in range(2_500)]
    chat = [send("ann", "say", room="tea", text="hello"), hears("bob", "said")]
    record = chat_fleet.play(
        answer.drive, serve, enter("cy", "mud"), enter("ann", "tea"), enter("bob", "tea"),
        together([burst("cy", "mud", flood), hears("cy", "said", count=len(flood), patience=10.0)], chat), deadline=30.0,
    )  # fmt: skip
    assert record.texts("cy") == flood, "Cy has not heard exactly what he said."
    heard = record.trace.of("hear")
    answered = heard.where(lambda event: event.subject == "hello").events[0].time
    before = heard.where(lambda event: event.subject.startswith("flood") and event.time < answered)
    assert len(before) < len(flood), "So many messages of the flood came before Ann was heard: all of them."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-endings", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires
from weft.worlds.chat_plan import closed, connect, drop, enter, files, hears, look, send, settled, stop, wait


@points(4)
def test_shutdown(answer, chat_fleet):
    """Shutdown closes every connection with 1001, also one that has not said hello, and leaves no task behind."""
    record = chat_fleet.play(
        answer.drive, serve, enter("ann", "tea"), enter("bob"), connect("silent"), stop(), closed("ann", "bob", "silent"),
    )  # fmt: skip
    assert record.codes == {"ann": 1001, "bob": 1001, "silent": 1001}, "1001 says: the server goes away."
    assert record.facts["tasks left"] == [], "These tasks were still there when stop had returned."


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_shutdown")
def test_shutdown_past_a_sleeper(answer, chat_fleet):
    """Shutdown does not wait for a client that does not read even its goodbye."""
    record = chat_fleet.play(
        answer.drive, serve, enter("slow", "tea", reads=False), enter("bob", "tea"), enter("ann", "tea"),
        files("ann", "tea", count=chat_fleet.files_to_overflow(60_000), size=60_000, heard_by=["bob"]), stop(),
        closed("ann", "bob"), backlog=1 << 26, deadline=9.0,
    )  # fmt: skip
    assert (record.codes["ann"], record.codes["bob"]) == (1001, 1001)
    assert record.facts["tasks left"] == [], "These tasks were still there when stop had returned."


@points(4)
@requires("test_shutdown")
def test_a_name_reused(answer, chat_fleet):
    """Who is thrown out and does not hang up does not speak for, and does not take away, the next one of that name."""
    record = chat_fleet.play(
        answer.drive, serve,
        enter("eve", "tea", key="sesame"), enter("old", "tea", name="bob", reads=False),
        send("eve", "kick", to="bob"), hears("eve", "left", name="bob"),
        enter("new", "tea", name="bob"), send("old", "say", room="tea", text="I am still Bob"), settled("new"), wait(0.3),
        drop("old"), wait(0.5), send("eve", "say", room="tea", text="hello, new Bob"), hears("new", "said", text="hello, new Bob"),
        look(),
    )  # fmt: skip
    assert record.texts("eve") == ["hello, new Bob"], "The one who was thrown out still speaks, under another's name."
    assert record.looks[0]["users"] == 2, "Eve and the new Bob are in."


### END HIDDEN TESTS

# %% [markdown]
# ## 7 · See it run
#
# This module is given. It puts your server behind a command, so that `weft run A2 --help` works in a terminal, and
# `weft export A2` writes it all as plain files. `weft run A2 --serve` waits for clients of your own.

# %% nbgrader={"grade": false, "grade_id": "demo", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module demo
"""The chat server as a command: with a fleet of clients that it starts itself, or waiting for yours."""

import argparse
import logging
import time
from typing import Any

from server import ChatServer

from weft.notebook.dashboard import View
from weft.notebook.loop_thread import LoopThread
from weft.notebook.terminal import run_in_terminal
from weft.trace import Trace
from weft.worlds.chat_fleet import ChatFleet, open_world
from weft.worlds.chat_plan import traffic

KEYS = {"": "member", "sesame": "admin"}


async def authenticate(name: str, key: str) -> str | None:
    """Without a key one is a member, with the right one an admin."""
    return KEYS.get(key)


class Running:
    """A chat server in a thread of its own, with an event loop of its own."""

    def __init__(self, port: int = 0) -> None:
        self.loop = LoopThread()
        self.server = ChatServer(authenticate, port=port)
        self.loop.run(self.server.start())
        self.port = self.server.port

    def statistics(self) -> dict[str, Any]:
        """The server's statistics, read in its own loop: no other thread may look into it."""

        async def read() -> dict[str, Any]:
            return self.server.statistics()

        return self.loop.run(read())

    def close(self) -> None:
        """Stop the server and its loop."""
        self.loop.run(self.server.stop())
        self.loop.close()


def view(statistics: dict[str, Any]) -> View:
    """What the dashboards show."""
    rooms: dict[str, int] = statistics["rooms"]
    stats = {
        "users": str(statistics["users"]),
        "rooms": str(len(rooms)),
        "messages": f"{statistics['messages']} ({statistics['rate']:.0f}/s)",
        "deliveries": str(statistics["deliveries"]),
        "dropped": str(statistics["dropped"]),
    }
    most = max(rooms.values(), default=1)
    return View(stats, {room: (0.999 * count / most, f"{count} people") for room, count in sorted(rooms.items())})


def visited(fleet: ChatFleet, port: int, clients: int, rooms: int, seconds: float, rate: float) -> Trace:
    """Let a fleet visit the server, with some who misbehave; what the clients saw."""
    fleet.begin(traffic(clients, rooms, seconds, rate, trouble=True), port=port)
    record = fleet.record(patience=2 * seconds + 30)
    if record.trouble:
        print(record.trouble)
    return record.trace


def main(argv: list[str] | None = None) -> int:
    """Run once; returns 0 if every message arrived."""
    parser = argparse.ArgumentParser(prog="weft run A2", description="A chat server, and a fleet of clients.")
    parser.add_argument("--clients", type=int, default=30, help="how many clients (default: 30)")
    parser.add_argument("--rooms", type=int, default=5, help="in how many rooms (default: 5)")
    parser.add_argument("--seconds", type=float, default=6.0, help="for how long (default: 6)")
    parser.add_argument("--rate", type=float, default=50.0, help="messages a second, of all together (default: 50)")
    parser.add_argument("--serve", action="store_true", help="no fleet: wait for clients until Ctrl-C")
    parser.add_argument("--port", type=int, default=0, help="the port to listen on (default: any that is free)")
    parser.add_argument("--debug", action="store_true", help="log every connection, and sum up what clients saw")
    options = parser.parse_args(argv)
    if options.debug:
        logging.basicConfig(level=logging.DEBUG, format="%(relativeCreated)7.0f ms %(name)-18s %(message).120s")
    running = Running(options.port)
    print(f"listening on ws://127.0.0.1:{running.port}", flush=True)
    try:
        return wait_for_clients() if options.serve else run_fleet(running, options)
    finally:
        running.close()


def wait_for_clients() -> int:
    """Until somebody presses Ctrl-C."""
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        return 0


def run_fleet(running: Running, options: argparse.Namespace) -> int:
    """Let the fleet come, show how it goes, and say whether everything arrived."""
    with open_world() as fleet:

        def work() -> Trace:
            return visited(fleet, running.port, options.clients, options.rooms, options.seconds, options.rate)

        trace = work() if options.debug else run_in_terminal(work, lambda: view(running.statistics()))
    said = trace.where(lambda event: event.kind == "say" and event.subject.startswith("m-")).subjects("say")
    heard = trace.subjects("hear")
    lost = [text for text in said if text not in heard]
    print(f"{len(said)} messages, {sum(heard[text] for text in said)} deliveries, {len(lost)} messages never heard")
    if options.debug:
        print(f"clients: {trace.count('connect')} connections, peak {trace.peak('connect', 'disconnect')}")
    return 1 if lost else 0


# %% [markdown]
# Here your server runs behind a live panel, in a thread beside the kernel, while thirty clients talk and four misbehave.

# %%
import demo
from IPython.display import display

from weft.notebook import dashboard

fleet = use_world("chat_fleet")
running = None
try:
    running = demo.Running()
    live = dashboard.run(
        lambda: demo.visited(fleet, running.port, clients=30, rooms=5, seconds=6.0, rate=50.0),
        lambda: demo.view(running.statistics()),
        {},
    )
    display(live)
except NotImplementedError:
    print("Nothing to see yet: the three parts come first.")

# %% [markdown]
# When it is done: what was said and heard each second, who was connected, and how long a message took.

# %%
if running:
    display(chat_traffic(live.wait(timeout=60)))

# %% [markdown]
# Now talk to it yourself. Two windows on your own server: come in twice, under two names, and join the same room. With the
# key `sesame` you are an admin: `/kick NAME`, `/mute NAME 10`, `/announce TEXT`, `/stats`. `/join ROOM`, `/leave ROOM` and
# `/tell NAME TEXT` are everybody's.

# %%
from weft.notebook.chat_client import ChatClient

if running:
    ann, bob = ChatClient(running.port, "ann", key="sesame"), ChatClient(running.port, "bob")
    for client in (ann, bob):
        client.send("/join tea")
    bob.send("Is there any tea left?")
    display(ann, bob)

# %% [markdown]
# The panel looks at the same server for a minute, or until you press Stop. Kick Bob and watch the room.

# %%
import threading

if running:
    enough = threading.Event()
    display(dashboard.run(lambda: enough.wait(60), lambda: demo.view(running.statistics()), {"Stop": enough.set}))

# %% [markdown]
# ## 8 · Explore
#
# How many people fit into one room? Each message to a room of `n` is `n` deliveries. Move the slider: so many clients talk
# for two seconds, together fifteen messages a second. The cell keeps every run that you made.

# %%
import ipywidgets

from weft.charts import chat_latency

runs: dict[int, list[float]] = {}


def measure(clients: int) -> list[float]:
    """Seconds from saying to hearing, for every delivery in a room of so many."""
    from weft.charts.chat_traffic import latencies
    from weft.worlds.chat_plan import traffic

    fleet.begin(traffic(clients, 1, seconds=2.0, rate=15.0), port=running.port)
    return [seconds for _, seconds in latencies(fleet.record(patience=60).trace)]


def explore(clients: int = 10) -> None:
    """Measure once with so many clients, and draw all runs so far."""
    if not running:
        print("Nothing to explore yet: the three parts come first.")
        return
    runs[clients] = measure(clients)
    display(chat_latency(runs))


ipywidgets.interact(explore, clients=ipywidgets.IntSlider(10, 2, 100, step=2, description="clients", continuous_update=False));

# %% [markdown]
# Which percentile bends first, and at what number? Half of what you see is the clients: they share two processors with
# your server. Would two rooms of fifty be different from one of a hundred, at the same rate?

# %%
if running:
    for client in (ann, bob):
        client.close()
    enough.set()
    running.close()

# %% [markdown]
# ## 9 · Graded checks: performance, quality, errors
#
# Performance is judged by CPU seconds of your server's process, for each delivery, beside a server that only calls
# `websockets.broadcast`, with the same clients and messages, in turn, in the same run.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "performance-delivery", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# %%checks performance
import functools
import itertools
import statistics

from weft.judge import points, requires
from weft.judge.yardsticks import paired_ratio
from weft.worlds.chat_plan import crowd, disperse, mark, volley

#: Three volleys of forty texts each, in a room of fifty.
VOLLEYS = [[f"{part}-{number}" for number in range(40)] for part in "abc"]
LOAD = (crowd(50, "hall"), *(step for texts in VOLLEYS for step in (mark(), volley(texts))), mark(), disperse())


def cpu(record):
    """CPU seconds of the middle one of three volleys; everybody must have heard everything once, in order."""
    for name in record.heard:
        heard = [text.rstrip("|") for text in record.texts(name)]
        assert heard == [text for texts in VOLLEYS for text in texts], f"{name} has not heard exactly what was said."
    return statistics.median(after - before for before, after in itertools.pairwise(record.marks))


@functools.cache
def ratio(answer, chat_fleet):
    """Measured once for both checks: your CPU time over that of websockets.broadcast."""
    return paired_ratio(
        lambda: cpu(chat_fleet.play(answer.drive, serve, *LOAD, deadline=30.0)),
        lambda: cpu(chat_fleet.yardstick(*LOAD)),
    )


@points(5)
def test_delivery_partial(answer, chat_fleet):
    """A delivery costs at most 2.5 times the CPU time of one by websockets.broadcast, in a room of fifty."""
    assert ratio(answer, chat_fleet) <= 2.5


@points(5)
def test_strangers_cost_nothing(answer):
    """A message in a room of two costs no more if five thousand people are in other rooms: at most 3 times, measured."""

    def handled(strangers):
        facts = answer.drive(cost, strangers)
        assert facts["deliveries"] == 4_500, "1500 messages to a room of two, and 1500 to one person."
        return facts["cpu"]

    assert paired_ratio(lambda: handled(5_000), lambda: handled(0)) <= 3.0


### BEGIN HIDDEN TESTS
@points(5)
def test_delivery_full(answer, chat_fleet):
    """A delivery costs at most 1.5 times the CPU time of one by websockets.broadcast, in a room of fifty."""
    assert ratio(answer, chat_fleet) <= 1.5


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "quality-code", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks quality
from weft.judge import points, requires
from weft.worlds.chat_plan import enter, hears, send

PARTS = ("protocol", "rooms", "server")


@points(0)
def test_it_works(answer, chat_fleet):
    """Two people can talk. Code that does not run cannot be reviewed."""
    chat_fleet.play(
        answer.drive, serve,
        enter("ann", "tea"), enter("bob", "tea"), send("ann", "say", room="tea", text="hello"), hears("bob", "said"),
    )  # fmt: skip


@points(4)
@requires("test_it_works")
def test_no_leftovers(code):
    """Nothing is left over: unused names, unused imports, comparisons that do nothing, tasks that nobody keeps."""
    assert code.findings("F", "E7", "B006", "B015", "B018", "B023", "RUF006", only=PARTS) == []


@points(3)
@requires("test_it_works")
def test_short_functions(code):
    """Every function is short enough to be read at once: complexity at most 8, at most 25 statements."""
    assert code.findings("C901", "PLR0915", only=PARTS, complexity=8, statements=25) == []


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_it_works")
def test_no_swallowed_errors(code):
    """No error is swallowed unseen: no bare except, no except that only passes."""
    assert code.findings("E722", "S110", "S112", "SIM105", only=PARTS) == []


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "errors-clients", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# %%checks errors
from weft.judge import points, requires
from weft.worlds.chat_plan import closed, enter, garbage, hears, raw_bytes, raw_text, send, settled


def beside(answer, chat_fleet, *trouble, **options):
    """Ann and Bob are in a room, these clients make trouble, and Ann and Bob go on talking."""
    return chat_fleet.play(
        answer.drive, serve, enter("ann", "tea"), enter("bob", "tea"), *trouble,
        send("ann", "say", room="tea", text="go on"), hears("bob", "said", text="go on"), **options,
    )  # fmt: skip


@points(2)
def test_one_error_for_each(answer, chat_fleet):
    """What is no message costs its sender one error each, and neither the connection nor anybody else."""
    nonsense = ["{", "[1, 2]", '{"type": "fly"}', '{"type": []}', '{"type": "say", "room": "tea"}']
    record = beside(
        answer, chat_fleet,
        enter("mal", "tea"), *(raw_text("mal", text) for text in nonsense), raw_bytes("mal", "bytes"), settled("mal"),
    )  # fmt: skip
    assert len(record.messages("mal", "error")) == 6, "Six frames that are no messages: an error for each."
    assert record.messages("bob", "error") == [], "Errors are their sender's business."
    assert all(isinstance(error.get("reason"), str) for error in record.messages("mal", "error")), "Say why."


@points(1)
def test_a_frame_over_the_limit(answer, chat_fleet):
    """A frame of a megabyte is not read to its end: its connection is closed with 1009, and nobody else notices."""
    record = beside(answer, chat_fleet, enter("mal", "tea"), raw_text("mal", "x", times=1_000_000), closed("mal"))
    assert record.codes["mal"] == 1009, "1009 says: this message is too big."


### BEGIN HIDDEN TESTS
@points(1)
@requires("test_one_error_for_each")
def test_bombs(answer, chat_fleet):
    """JSON that is built to break a parser, or what comes behind it, costs its sender one error and nobody anything."""
    record = beside(
        answer, chat_fleet, enter("mal", "tea"), raw_text("mal", "[", times=100_000), raw_text("mal", '{"a":', times=15_000),
        raw_text("mal", "9", times=10_000), raw_text("mal", '{"type": "hello", "name": "x"}'), settled("mal"),
        raw_text("mal", '{"type": "say", "room": "tea", "text": "\\ud800"}'), settled("mal"),
    )  # fmt: skip
    assert len(record.messages("mal", "error")) in (4, 5), "Four frames that must be refused, and one that may be."
    assert record.facts["errors"] == [], "Your server logged this."


@points(1)
@requires("test_one_error_for_each")
def test_no_hello(answer, chat_fleet):
    """Who is no WebSocket, or connects and says nothing, is shown out, and nobody else notices."""
    beside(answer, chat_fleet, garbage("\x16\x03\x01 hello?\r\n\r\n"), garbage("GET / HTTP/1.1\r\n\r\n"), garbage(""))
    facts = answer.virtually(say_nothing, 5.0).result
    assert facts["code"] == 1008, "Who says nothing is closed with this code."
    assert 5.0 <= facts["seconds"] <= 7.0, "After so many seconds, where patience was 5."


### END HIDDEN TESTS

# %% [markdown]
# ## 10 · Afterwards
#
# **Pitfalls.**
# `for member in members: await member.send(text)` is as fast as the slowest of them.
# A buffer without a bound is a memory leak that a client controls.
# A `finally` that deletes by name deletes whoever has the name now.
# What you checked before an `await` is history.
# Whoever is banned by name comes back under another one: real servers ban accounts and addresses.
# Compression of each message (`permessage-deflate`) is on by default in most libraries, and costs several times the CPU
# time and memory of all the rest.
#
# **What professionals use.** In Python, [`websockets`](https://websockets.readthedocs.io/) or aiohttp, often on
# [uvloop](https://uvloop.readthedocs.io/), behind a proxy that ends TLS. They add what you left out: accounts, messages
# that are kept and can be asked for after a gap, rate limits, pings that notice a dead peer within seconds.
#
# **Where one machine ends.** One loop serves one processor. For more, people run many such servers and put a *broker* between
# them (Redis publish and subscribe, NATS): a room is a topic, each server subscribes for the rooms of its own clients. Your
# `rooms` would be split; `protocol` and most of `server` would stay. Elixir's Phoenix has the same built in, on one
# process for each room.
#
# **Read on.** [Developing with asyncio](https://docs.python.org/3/library/asyncio-dev.html) ·
# [Streams and flow control](https://docs.python.org/3/library/asyncio-protocol.html#asyncio.WriteTransport.set_write_buffer_limits)
#
# **A question to think about.** You drop who is a megabyte behind. A phone in a tunnel is a megabyte behind for twenty
# seconds, and then it is back. What would you have to keep, where, and for how long, so that it has missed nothing?
