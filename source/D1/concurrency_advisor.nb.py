# ---
# jupyter:
#   weft:
#     concept: deciding
#     difficulty: medium
#     focus: reading code, evidence, confidence
#     id: D1
#     minutes: 35-45
#     order: 9
#     title: Intelligent concurrency advisor
# ---

# %% [markdown]
# # D1 · Intelligent concurrency advisor
#
# | concept | difficulty | time | focus |
# |---|---|---|---|
# | deciding | medium | 35–45 minutes | reading code, evidence, confidence |
#
# You write a program that reads Python code, without running it, and says which model of concurrency fits: threads,
# processes, asyncio, a thread beside an event loop, or none. It points at the line that decides, and says how sure it is.
#
# Afterwards you can
#
# - read a program with `ast`, and say what a name means after imports, aliases and assignments,
# - weigh evidence: what waits, what computes, how often, and whether one iteration needs another,
# - turn a score into a confidence, and check whether that confidence is honest,
# - say for each of the five answers what would have to change for it to be wrong.

# %%
# %load_ext weft

# %% [markdown]
# ## 1 · The problem
#
# A team has 60 small programs to speed up. Somebody writes the obvious advisor: it looks for words. Every snippet below
# has a label that was confirmed by running it, and a sentence that says why.

# %%
from weft.notebook import use_world

snippets = use_world("snippets")

WORDS = {"await": "asyncio", "requests": "threads", "sleep": "threads", "for ": "processes"}


def by_words(source: str) -> str:
    """The first word that is found decides."""
    return next((model for word, model in WORDS.items() if word in source), "serial")


right = {model: 0 for model in ("threads", "processes", "asyncio", "to_thread", "serial")}
for snippet in snippets.all:
    right[snippet.model] += by_words(snippet.source) == snippet.model
for model, count in right.items():
    print(f"{model:10} {count:2} of {len(snippets.of(model))} right")

# %% [markdown]
# Never once does it see a blocked event loop, and it takes every `for` for work. Here is one that it gets wrong. The
# label knows better, because somebody read what the names mean.

# %%
example = snippets.named("a class of one's own named requests")
print(example.source)
print("by words:", by_words(example.source), "| label:", example.model, "|", example.why)

# %% [markdown]
# Words are not enough: `requests` may be a class of this file, `rq` may be the package, and `time.sleep` may stand in a
# comment. What decides is structure: what a name means, how often a call runs, who calls it, and whether the iterations
# of a loop need each other. A compiler throws the comments away and keeps the structure. So do you.
#
# ```mermaid
# flowchart LR
#     source["source text"] -- "ast.parse, never run" --> features
#     names["names: what does rq.get mean?"] --> features
#     features["features: sites and calls, each in its place"] --> graph_["graph: how often is each function called?"]
#     graph_ -- "evidence: kind, line, seconds" --> scoring
#     scoring["scoring: a share for each model"] --> advice["advice: model, line, reason, confidence"]
# ```

# %% [markdown]
# ## 2 · What to build
#
# | must have | part |
# |---|---|
# | parses Python; knows imports, aliases, and names of the code's own | 1 · `names` |
# | finds patterns: calls, loops, awaits, shared updates | 2 · `features` |
# | tells waiting from computing, over all calls, blocked loops and dependent iterations included | 3 · `graph` |
# | a weighted score, and a confidence that is honest | 4 · `scoring` |
# | specific suggestions with lines, and an answer for every text | 5 · `advice` |
#
# | criterion | points | what is judged |
# |---|---|---|
# | correctness | 40 | what you read out of code; the lines; whether your confidence is honest; that nothing is run |
# | concurrency | 30 | the advice: the right model, on your 60 snippets and on 60 others; hazards |
# | performance | 15 | your CPU time on the standard library's files beside one parse and one `ast.walk` |
# | quality | 10 | what a reviewer would send back |
# | errors | 5 | a syntax error, a binary file or a monster gets an answer |
#
# The five answers are `threads` (it waits, or computes in C without the GIL), `processes` (it computes and holds the
# GIL), `asyncio` (it awaits), `to_thread` (something blocks an event loop) and `serial` (too little, or each step needs
# the one before).

# %% [markdown]
# ## 3 · Warm-up
#
# [`ast.parse`](https://docs.python.org/3/library/ast.html#ast.parse) gives a tree, and does not run a line. Comments are
# gone; a string is one constant.

# %%
import ast

tree = ast.parse("import time as t  # requests.get\nfor n in range(3):\n    t.sleep(n)\n")
print(ast.dump(tree, indent=2))

# %% [markdown]
# [`ast.walk`](https://docs.python.org/3/library/ast.html#ast.walk) gives every node, in no useful order, and without
# telling where a node stands. For that you keep a list of what is still to do, with a note of the place, and take from
# its end. No function calls itself, so a sum of ten thousand terms, a tree ten thousand levels deep, is nothing special.

# %%
todo: list[tuple[ast.AST, int]] = [(tree, 0)]
while todo:
    node, loops = todo.pop()
    if isinstance(node, ast.Call):
        print(f"line {node.lineno}: a call in {loops} loops")
    deeper = loops + isinstance(node, ast.For | ast.While)
    todo.extend((child, deeper) for child in reversed(list(ast.iter_child_nodes(node))))

# %% [markdown]
# One of the two counts is wrong. `range(3)` stands in the `for` statement, and yet it is called once, before the loop
# begins. In part 2 you get this right.
#
# Advice needs knowledge of the library: what waits, what computes, roughly how long. This module is given. The numbers are orders of
# magnitude; nothing depends on the second digit.

# %% nbgrader={"grade": false, "grade_id": "knowledge", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module knowledge
"""What calls cost: which wait, which compute with the GIL and which without it, and about how long each takes."""

WAIT, FREE, COMPUTE, AWAIT = "wait", "free", "compute", "await"

#: Kind and seconds of one call, by its full name; whatever begins with a name here is meant, too. Orders of magnitude.
CALLS: dict[str, tuple[str, float]] = {
    # Blocks the thread that calls it, and lets other threads run meanwhile.
    "requests": (WAIT, 2e-2),
    "urllib.request.urlopen": (WAIT, 2e-2),
    "urllib.request.urlretrieve": (WAIT, 2e-2),
    "http.client": (WAIT, 2e-2),
    "httpx": (WAIT, 2e-2),
    "socket": (WAIT, 1e-2),
    "smtplib": (WAIT, 2e-2),
    "ftplib": (WAIT, 2e-2),
    "imaplib": (WAIT, 2e-2),
    "subprocess": (WAIT, 2e-2),
    "os.system": (WAIT, 2e-2),
    "os.fsync": (WAIT, 5e-3),
    "time.sleep": (WAIT, 5e-2),
    "input": (WAIT, 1.0),
    "open": (WAIT, 1e-4),
    "pathlib.Path.open": (WAIT, 1e-4),
    "pathlib.Path.read_text": (WAIT, 1e-4),
    "pathlib.Path.read_bytes": (WAIT, 1e-4),
    "pathlib.Path.write_text": (WAIT, 1e-4),
    "pathlib.Path.write_bytes": (WAIT, 1e-4),
    "shutil.copy": (WAIT, 1e-3),
    "shutil.copytree": (WAIT, 1e-2),
    "sqlite3": (WAIT, 1e-3),
    "psycopg2": (WAIT, 5e-3),
    "psycopg": (WAIT, 5e-3),
    "pymysql": (WAIT, 5e-3),
    "redis": (WAIT, 1e-3),
    "boto3": (WAIT, 2e-2),
    "paramiko": (WAIT, 2e-2),
    # Computes in C without the GIL, given enough to do.
    "hashlib": (FREE, 2e-3),
    "zlib": (FREE, 5e-3),
    "gzip": (FREE, 5e-3),
    "bz2": (FREE, 2e-2),
    "lzma": (FREE, 2e-2),
    "numpy.dot": (FREE, 5e-3),
    "numpy.linalg": (FREE, 5e-3),
    # Computes, and holds the GIL.
    "json": (COMPUTE, 2e-4),
    "pickle": (COMPUTE, 2e-4),
    "copy.deepcopy": (COMPUTE, 2e-4),
    "csv": (COMPUTE, 1e-4),
    "re": (COMPUTE, 1e-4),
    "difflib": (COMPUTE, 1e-3),
    "random": (COMPUTE, 5e-7),
    "math": (COMPUTE, 5e-8),
    "statistics": (COMPUTE, 1e-4),
    "decimal": (COMPUTE, 3e-7),
    "fractions": (COMPUTE, 2e-6),
    "sorted": (COMPUTE, 2e-4),
    "sum": (COMPUTE, 1e-6),
    # Is awaited: the event loop goes on with other tasks.
    "asyncio": (AWAIT, 5e-3),
    "aiohttp": (AWAIT, 2e-2),
    "aiofiles": (AWAIT, 1e-3),
    "httpx.AsyncClient": (AWAIT, 2e-2),
    "asyncpg": (AWAIT, 5e-3),
    "websockets": (AWAIT, 1e-2),
    "redis.asyncio": (AWAIT, 1e-3),
}

#: One step of the interpreter, such as an addition, and an awaited call that nobody has heard of, in seconds.
STEP, UNHEARD_OF = 4e-8, 5e-3

#: How often a loop runs of which nobody can say, and a function that calls itself, once or more than once.
MANY, RECURSION, BRANCHING = 1_000, 1_000, 100_000

#: Methods and functions that call another one for each item.
MAPS = {"map", "filter", "imap", "imap_unordered", "starmap", "map_async", "starmap_async"}

#: What runs a function elsewhere and is awaited itself.
MOVES = {"asyncio.to_thread", "run_in_executor"}


def lookup(name: str) -> tuple[str, float] | None:
    """Kind and seconds of a call to ``name``, by the longest beginning of it that is known; None if nothing is."""
    while name:
        if name in CALLS:
            return CALLS[name]
        name = name.rpartition(".")[0]
    return None


# %% [markdown]
# So is this one, about loops. `carried` finds the statement that makes an iteration need the one before: a *loop-carried
# dependency*. A sum or a counter is none, because parts of it can be added up afterwards.

# %% nbgrader={"grade": false, "grade_id": "loops", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module loops
"""Loops: how often they run, and whether an iteration needs the one before."""

import ast
from collections.abc import Iterator, Mapping

from knowledge import MANY

Loop = ast.For | ast.AsyncFor | ast.While
WRAPPERS = {"enumerate", "zip", "reversed", "sorted", "list", "tuple", "iter"}
GROWS = {"append", "extend", "insert", "appendleft"}


def iterations(iterable: ast.expr | None, sizes: Mapping[str, int]) -> float:
    """How often a loop over ``iterable`` runs, as far as the text tells; ``sizes`` are lengths of named literals."""
    while isinstance(iterable, ast.Call) and isinstance(iterable.func, ast.Name) and iterable.args:
        if iterable.func.id == "range":
            return _range(iterable.args)
        if iterable.func.id not in WRAPPERS:
            break
        iterable = iterable.args[0]
    if isinstance(iterable, ast.List | ast.Tuple | ast.Set):
        return len(iterable.elts)
    if isinstance(iterable, ast.Subscript) and isinstance(iterable.slice, ast.Slice):
        return _range([part for part in (iterable.slice.lower, iterable.slice.upper or iterable) if part])
    return sizes.get(iterable.id, MANY) if isinstance(iterable, ast.Name) else MANY


def _range(arguments: list[ast.expr]) -> float:
    numbers = [part.value for part in arguments if isinstance(part, ast.Constant) and isinstance(part.value, int)]
    if len(numbers) != len(arguments):
        return MANY
    return len(range(*numbers[:3]))


def carried(loop: Loop) -> int | None:
    """The line that makes an iteration need the one before, or None: a sum, a counter or a maximum does not."""
    early, stored = _first_uses(loop)
    lines = [line for name, line in stored.items() if name in early]
    for statement in _simple(loop.body):
        back = isinstance(statement, ast.Assign | ast.AugAssign) and _reaches_back(statement)
        if back or (isinstance(statement, ast.Expr) and _indexed(loop, _grown(statement.value))):
            lines.append(getattr(statement, "lineno", loop.lineno))
    return min(lines, default=None)


def _first_uses(loop: Loop) -> tuple[set[str], dict[str, int]]:
    """Names that are read before they are written in an iteration, and the lines where names are written."""
    early: set[str] = set()
    stored: dict[str, int] = {}
    added: dict[str, int] = {}
    written = _names(loop.target, ast.Store) if isinstance(loop, ast.For | ast.AsyncFor) else set()
    if isinstance(loop, ast.While):
        early |= _names(loop.test, ast.Load)
    for statement in _simple(loop.body):
        if isinstance(statement, ast.AugAssign):
            early |= _names(statement.value, ast.Load) - written
            if isinstance(statement.target, ast.Name) and not isinstance(statement.value, ast.Constant):
                added[statement.target.id] = statement.lineno
        elif not _keeps_the_best(statement):
            early |= _names(statement, ast.Load) - written
            fresh = _names(statement, ast.Store) - written
            stored |= {name: getattr(statement, "lineno", loop.lineno) for name in fresh if name not in stored}
            written |= fresh
    return early, added | stored


def _keeps_the_best(statement: ast.AST) -> bool:
    """``best = max(best, x)``: the order does not matter."""
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
        and statement.value.func.id in ("min", "max")
    )


def _reaches_back(statement: ast.Assign | ast.AugAssign) -> bool:
    """``a[i] = a[i - 1] + 1``, or ``self.state = self.step()``."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    for target in targets:
        if isinstance(target, ast.Subscript):
            base, index = _shape(target.value), _shape(target.slice)
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Subscript) and _shape(node.value) == base and _shape(node.slice) != index:
                    return True
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            owner = target.value.id
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == owner:
                    return True
    return False


def _shape(node: ast.AST) -> list[tuple[str, object]]:
    """Equal for equal expressions, however deep they are nested."""
    return [
        (type(each).__name__, next((getattr(each, key) for key in ("id", "attr", "value") if hasattr(each, key)), None))
        if not isinstance(each, ast.Attribute | ast.Subscript | ast.Starred | ast.Await)
        else (type(each).__name__, getattr(each, "attr", None))
        for each in ast.walk(node)
    ]


def _grown(expression: ast.expr) -> str:
    """The name of the list that a statement such as ``rows.append(x)`` makes longer, or nothing."""
    method = expression.func if isinstance(expression, ast.Call) else None
    if isinstance(method, ast.Attribute) and method.attr in GROWS and isinstance(method.value, ast.Name):
        return method.value.id
    return ""


def _indexed(loop: Loop, name: str) -> bool:
    return any(
        isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name
        for node in ast.walk(loop)
    )


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, context)}


def _simple(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Statements, and the heads of compound ones, in the order in which they run."""
    for statement in body:
        if isinstance(statement, ast.If | ast.While):
            yield statement.test
        elif isinstance(statement, ast.For | ast.AsyncFor):
            yield statement.iter
            yield statement.target
        elif isinstance(statement, ast.With | ast.AsyncWith):
            yield from statement.items
        elif not isinstance(statement, ast.Try | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement
            continue
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for part in ("body", "handlers", "orelse", "finalbody"):
                yield from _simple(_bodies(getattr(statement, part, [])))


def _bodies(statements: list[ast.AST]) -> list[ast.stmt]:
    plain: list[ast.stmt] = []
    for statement in statements:
        plain += statement.body if isinstance(statement, ast.ExceptHandler) else [statement]  # type: ignore[list-item]
    return plain


# %%
from loops import carried

for text in ("for x in xs:\n    total += x", "for x in xs:\n    state = mix(state, x)", "while url:\n    url = get(url).next"):
    print(text.replace("\n", " "), "->", carried(ast.parse(text).body[0]))

# %% [markdown]
# ## 4 · Part 1: what names mean
#
# `rq.get` means `requests.get` if the line `import requests as rq` stands above, and something else entirely if this
# function has a parameter named `rq`. The nearest *scope* that binds a name decides. A meaning is a text: the full name
# for what comes from elsewhere, `":name"` for what the code defines itself, `""` for a value that nobody knows anything
# of.
#
# Results are named after their makers: what `requests.Session()` returns means `requests.Session`, so `session.get` means
# `requests.Session.get`, and `knowledge.lookup` knows all that begins with `requests`.

# %% nbgrader={"grade": false, "grade_id": "names", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module names
"""What a name means: the module or function that it was imported as, or something of the code's own."""

import ast

OWN = ":"  # begins the meaning of what the code defines itself


class Scope:
    """The names of a module, a function or a class, and what they mean.

    A meaning is a full name such as ``"urllib.request.urlopen"``; for what the code defines itself ``":Client.get"``;
    and ``""`` for a value that nothing is known of, such as a parameter.
    """

    def __init__(self, parent: "Scope | None" = None) -> None:
        self.parent = parent
        self.meanings: dict[str, str] = {}
        # Meanings of ``:Class.attribute``, as ``self.attribute = ...`` gives them; one dictionary for all scopes.
        self.attributes: dict[str, str] = parent.attributes if parent else {}

    def bind(self, name: str, meaning: str) -> None:
        """From here on ``name`` has this meaning; what is known is not replaced by what is not."""
        if meaning or name not in self.meanings:
            self.meanings[name] = meaning

    def find(self, name: str) -> str:
        """What ``name`` means here or further out; a name that nobody bound is a builtin, and means itself."""
        # TODO: after this, the nearest scope that binds the name has decided.
        ### BEGIN SOLUTION
        scope: Scope | None = self
        while scope is not None:
            if name in scope.meanings:
                return scope.meanings[name]
            scope = scope.parent
        return name
        ### END SOLUTION


class ClassScope(Scope):
    """The names of a class: its methods do not see them."""


def bind_import(node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
    """Bind every name that an import statement brings."""
    # TODO: after this, every name that the statement brings has the full name of what it stands for.
    ### BEGIN SOLUTION
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            scope.bind(alias.asname or alias.name, f"{node.module or ''}.{alias.name}")
        elif alias.asname:
            scope.bind(alias.asname, alias.name)
        else:
            first = alias.name.partition(".")[0]
            scope.bind(first, first)
    ### END SOLUTION


def bind_target(target: ast.expr, meaning: str, scope: Scope) -> None:
    """Bind what an assignment, a loop or a ``with`` writes to: a name, ``self.attribute``, or several of them."""
    if isinstance(target, ast.Name):
        scope.bind(target.id, meaning)
    elif isinstance(target, ast.Attribute) and meaning:
        if (owner := meaning_of(target.value, scope)).startswith(OWN):
            scope.attributes[f"{owner}.{target.attr}"] = meaning
    elif isinstance(target, ast.Tuple | ast.List):
        for each in target.elts:
            bind_target(each, "", scope)


def meaning_of(expression: ast.AST, scope: Scope) -> str:
    """What an expression means; a call means what its function means, so a session is a ``requests.Session``."""
    # TODO: after this, `session.get` means requests.Session.get wherever session was made by requests.Session().
    ### BEGIN SOLUTION
    attributes: list[str] = []
    while not isinstance(expression, ast.Name):
        if isinstance(expression, ast.Attribute):
            attributes.append(expression.attr)
            expression = expression.value
        elif isinstance(expression, ast.Call):
            expression = expression.func
        elif isinstance(expression, ast.Await):
            expression = expression.value
        else:
            return ""
    meaning = scope.find(expression.id)
    for attribute in reversed(attributes):
        meaning = f"{meaning}.{attribute}" if meaning else ""
        meaning = scope.attributes.get(meaning, meaning)
    return meaning
    ### END SOLUTION


# %% [markdown]
# Try it on a few lines. What does each expression mean?

# %%
from names import Scope, bind_import, bind_target, meaning_of

try:
    scope = Scope()
    for statement in ast.parse("import urllib.request as u\nfrom time import sleep as nap\npull = u.urlopen").body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            bind_import(statement, scope)
        elif isinstance(statement, ast.Assign):
            bind_target(statement.targets[0], meaning_of(statement.value, scope), scope)
    for text in ("nap", "u.urlopen", "pull", "pull(x).read", "print"):
        print(f"{text:14} {meaning_of(ast.parse(text, mode='eval').body, scope)}")
except NotImplementedError:
    print("Nothing to try yet: fill in Scope.find, bind_import and meaning_of first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Read `pull(x).read` from the right to the left. At which end does it say where it comes from?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# `ast.Attribute` has `.value` and `.attr`, `ast.Call` has `.func`, `ast.Name` has `.id`; an
# [import](https://docs.python.org/3/library/ast.html#imports) has `.names`, each with `.name` and `.asname`.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `meaning_of`: while it is no name: remember the attribute, or step over the call or the await; anything else means
# nothing. Then find the name, and put the attributes behind it, last remembered first; after each look whether
# `scope.attributes` knows better.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": false, "grade_id": "drives", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%drives
"""How the checks call your code. Nothing is judged here: each function calls your modules and returns what happened."""

import ast
from pathlib import Path


def meanings(source, expressions):
    """`meaning_of(expression, scope)`, with a scope that has read some statements"""
    from names import Scope, bind_import, bind_target, meaning_of

    scope = Scope()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            bind_import(node, scope)
        elif isinstance(node, ast.Assign):
            bind_target(node.targets[0], meaning_of(node.value, scope), scope)
        elif isinstance(node, ast.ClassDef):
            scope.bind(node.name, ":" + node.name)
    return {text: meaning_of(ast.parse(text, mode="eval").body, scope) for text in expressions}


def inner_meanings(source, parameters, expressions):
    """`meaning_of(expression, scope)`, inside a function with these parameters"""
    from names import Scope, bind_import, meaning_of

    outer = Scope()
    for node in ast.parse(source).body:
        bind_import(node, outer)
    scope = Scope(outer)
    for name, meaning in parameters.items():
        scope.bind(name, meaning)
    return {text: meaning_of(ast.parse(text, mode="eval").body, scope) for text in expressions}


def evidence(source):
    """`extract(ast.parse(source))`"""
    from graph import extract

    return [[each.kind, each.line, each.name, each.seconds] for each in extract(ast.parse(source))]


def row(source):
    """`advise(source)`"""
    from advice import advise

    given = advise(source)
    return {
        "model": given.model,
        "confidence": given.confidence,
        "line": given.line,
        "reason": given.reason,
        "api": given.api,
        "scores": given.scores,
        "hazards": [hazard.line for hazard in given.hazards],
    }


def advise_each(sources):
    """`advise(source)`, for each of many"""
    rows = []
    for source in sources:
        try:
            rows.append(row(source))
        except NotImplementedError:
            raise
        except Exception as error:
            told = f"{type(error).__name__}: {error}"[:200]
            rows.append({"model": told, "confidence": 1.0, "line": 0, "scores": {}, "hazards": []})
    return rows


def advise_bytes(latin):
    """`advise(source)`, with bytes as they stand in a file"""
    return row(latin.encode("latin-1"))


def advise_traps(sources):
    """`advise(source)`, in a folder where code that runs would leave a trace"""
    Path("trap.py").write_text("from pathlib import Path\n\nPath('executed').touch()\n")
    rows = [row(source) for source in sources]
    return {"models": [each["model"] for each in rows], "executed": sorted(path.name for path in Path().glob("executed*"))}


def library(names):
    """The text of these modules of the standard library"""
    folder = Path(ast.__file__).parent
    return [(folder / f"{name}.py").read_bytes() for name in names]


def advise_library(names, text=""):
    """`advise(source)`, for modules of the standard library or for a long text"""
    from advice import advise

    for source in library(names) or [text]:
        advise(source)


def walk_library(names, text=""):
    """One parse and one `ast.walk` of the same"""
    for source in library(names) or [text]:
        for _ in ast.walk(ast.parse(source)):
            pass


# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-names", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires


@points(3)
def test_imports_and_aliases(answer):
    """Imports mean what they import, under any name."""
    source = "import requests as rq\nimport urllib.request\nfrom time import sleep as nap\nfrom os import path\npull = rq.get"
    facts = answer.drive(meanings, source, ["rq.get", "urllib.request.urlopen", "nap", "path.join", "pull", "print"])
    assert facts == {
        "rq.get": "requests.get",
        "urllib.request.urlopen": "urllib.request.urlopen",
        "nap": "time.sleep",
        "path.join": "os.path.join",
        "pull": "requests.get",
        "print": "print",
    }


@points(3)
@requires("test_imports_and_aliases")
def test_nearer_names_win(answer):
    """A parameter or a function of the code's own hides a module of the same name."""
    facts = answer.drive(
        inner_meanings, "import requests, time", {"requests": "", "time": ":time"}, ["requests.get", "time.sleep", "time"]
    )
    assert facts == {"requests.get": "", "time.sleep": ":time.sleep", "time": ":time"}


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_imports_and_aliases")
def test_results_keep_their_maker(answer):
    """What a call returns is named after its function, also as an attribute and through several calls."""
    source = "import requests as r\nclass Client: pass\nclient = Client()\nclient.http = r.Session()\nreply = r.get('u')"
    asked = ["reply.json", "client.http.get", "r.Session().get('u').text", "(1 + 2).real", "client.other"]
    facts = answer.drive(meanings, source, asked)
    assert facts == {
        "reply.json": "requests.get.json",
        "client.http.get": "requests.Session.get",
        "r.Session().get('u').text": "requests.Session.get.text",
        "(1 + 2).real": "",
        "client.other": ":Client.other",
    }


### END HIDDEN TESTS

# %% [markdown]
# ## 5 · Part 2: features
#
# Now walk the tree. Every node has a *place*: its function, its scope, how often it runs there, and what kinds of loop
# stand around it. These records are given.

# %% nbgrader={"grade": false, "grade_id": "evidence", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module evidence
"""What is written down about a piece of code: places where time goes, calls between its functions, and the evidence."""

from dataclasses import dataclass, field

from names import Scope


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that speaks for a model: its ``kind``, its line, what it is, and for how many seconds it goes on.

    Kinds: ``wait``, ``free`` and ``compute`` as in ``knowledge``, in a loop whose iterations are independent;
    ``await``; ``block``: a wait that holds up an event loop; ``depend``: any of the first three in a loop whose
    iterations need each other, with the line that makes them; ``once``: a wait in no loop; ``share``: an update of
    something that several threads would share, without a lock.
    """

    kind: str
    line: int
    name: str
    seconds: float


@dataclass(slots=True)
class Site:
    """A place in a function where time goes, or an update happens, each time that the function is called."""

    kind: str
    line: int
    name: str
    seconds: float
    place: "Place"


@dataclass(slots=True)
class Edge:
    """A call of a function of the code's own. ``handed``: another thread or process will make it."""

    callee: str
    place: "Place"
    times: float = 1.0
    handed: bool = False


@dataclass(slots=True)
class Function:
    """A function of the code, or its module's own lines; ``times``, ``free`` … are what its callers make of it."""

    name: str
    coroutine: bool = False
    sites: list[Site] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    times: float = 0.0
    free: bool = False
    carried: int | None = None
    in_loop: bool = False  # an event loop's, not a for loop's


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: in which function and scope, how often it runs there, in which kinds of loop."""

    function: Function
    scope: Scope
    times: float = 1.0
    free: bool = False
    carried: int | None = None
    locked: bool = False
    owner: str = ""  # what a def here belongs to: a class or an enclosing function


# %% [markdown]
# Three rules make a place. The iterable of a loop is evaluated once, outside; its body runs many times, inside. A loop is
# *free* if its iterations do not need each other (`carried` finds no line), and one free loop around a piece of work
# is enough to spread it: in
#
#     for start in starts:
#         while n != 1: n = step(n)
#
# the inner loop depends on itself, and the outer one is free. And what stands in `await`, `async with` or `async for` is
# awaited.
#
# You note a *site* for every place where time goes, and an *edge* for every call of a function of the code's own.

# %% nbgrader={"grade": false, "grade_id": "features", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module features
"""Reads code once, and writes down where its time goes: calls, loops, awaits, shared updates, and who calls whom."""

import ast
from dataclasses import replace

from evidence import Edge, Function, Place, Site
from knowledge import COMPUTE, MAPS, MOVES, STEP, UNHEARD_OF, lookup
from loops import carried, iterations
from names import OWN, ClassScope, Scope, bind_import, bind_target, meaning_of

Def = ast.FunctionDef | ast.AsyncFunctionDef
Comp = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Reader:
    """Reads a tree once, in the order of its text, without recursion: code may be nested deeper than Python's stack."""

    def __init__(self) -> None:
        self.module = Function("")
        self.functions: dict[str, Function] = {"": self.module}
        self.sizes: dict[str, int] = {}
        self.calls: list[tuple[ast.Call, Place, bool]] = []
        self.shared: set[tuple[Scope, str]] = set()
        self.awaited: set[ast.AST] = set()

    def read(self, tree: ast.Module) -> None:
        """Visit every node with its place; what can be said of a call is said when all names are known."""
        # TODO: after this, every node was visited with its place, in the order of the text, at any depth of nesting.
        ### BEGIN SOLUTION
        visitors = {kind: getattr(self, name) for kind, name in VISITORS.items()}
        todo: list[tuple[ast.AST, Place]] = [(tree, Place(self.module, Scope()))]
        while todo:
            node, place = todo.pop()
            visit = visitors.get(type(node))
            children = visit(node, place) if visit else None
            if children is None:
                children = [(child, place) for child in ast.iter_child_nodes(node)]
            todo.extend(reversed(children))
        for call, place, waited_for in self.calls:
            self.call(call, place, waited_for)
        ### END SOLUTION

    def define(self, node: Def, place: Place) -> list[tuple[ast.AST, Place]]:
        """A function: a scope and a record of its own. Its parameters are unknown, but for a method's first."""
        name = f"{place.owner}.{node.name}".lstrip(".")
        place.scope.bind(node.name, OWN + name)
        function = Function(name, isinstance(node, ast.AsyncFunctionDef))
        self.functions[name] = function
        scope = Scope(place.scope.parent if isinstance(place.scope, ClassScope) else place.scope)
        arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        for number, argument in enumerate(arguments):
            method = number == 0 and isinstance(place.scope, ClassScope)
            scope.meanings[argument.arg] = OWN + place.owner if method else ""
        inner = Place(function, scope, owner=name)
        outer = [*node.decorator_list, *node.args.defaults]
        return [(child, place) for child in outer] + [(child, inner) for child in node.body]

    def define_class(self, node: ast.ClassDef, place: Place) -> list[tuple[ast.AST, Place]]:
        """A class: its methods are named after it."""
        name = f"{place.owner}.{node.name}".lstrip(".")
        place.scope.bind(node.name, OWN + name)
        inner = replace(place, scope=ClassScope(place.scope), owner=name)
        return [(child, place) for child in node.decorator_list] + [(child, inner) for child in node.body]

    def imports(self, node: ast.Import | ast.ImportFrom, place: Place) -> None:
        """Names from elsewhere."""
        bind_import(node, place.scope)

    def assign(self, node: ast.Assign | ast.AnnAssign | ast.NamedExpr, place: Place) -> None:
        """Names for values; of literals the length is worth remembering."""
        if node.value is None:
            return
        meaning = meaning_of(node.value, place.scope)
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            bind_target(target, meaning, place.scope)
            if isinstance(target, ast.Name) and isinstance(node.value, ast.List | ast.Tuple | ast.Set):
                self.sizes[target.id] = len(node.value.elts)

    def declare(self, node: ast.Global | ast.Nonlocal, place: Place) -> None:
        """Names that this function shares with others."""
        self.shared |= {(place.scope, name) for name in node.names}

    def loop(self, node: ast.For | ast.AsyncFor, place: Place) -> list[tuple[ast.AST, Place]]:
        """The iterable is taken once, the rest runs for each item."""
        # TODO: the iterable is evaluated where the loop stands; the body is inside. What async for takes is awaited.
        ### BEGIN SOLUTION
        bind_target(node.target, "", place.scope)
        if isinstance(node, ast.AsyncFor):
            self.awaited.add(node.iter)
            self.note("await", node.iter, "async for", UNHEARD_OF, replace(place, times=place.times * 10))
        inner = self.inside(node, place, iterations(node.iter, self.sizes), carried(node))
        return [(node.iter, place)] + [(child, inner) for child in node.body + node.orelse]
        ### END SOLUTION

    def repeat(self, node: ast.While, place: Place) -> list[tuple[ast.AST, Place]]:
        """Test and body run nobody knows how often."""
        inner = self.inside(node, place, iterations(None, self.sizes), carried(node))
        return [(child, inner) for child in (node.test, *node.body)]

    def comprehension(self, node: Comp, place: Place) -> list[tuple[ast.AST, Place]]:
        """A loop for each of its generators; only the first iterable is taken once."""
        inner, children = place, list[tuple[ast.AST, Place]]()
        for generator in node.generators:
            bind_target(generator.target, "", place.scope)
            children.append((generator.iter, inner))
            inner = self.inside(node, inner, iterations(generator.iter, self.sizes), None)
            children += [(test, inner) for test in generator.ifs]
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return children + [(child, inner) for child in results]

    def inside(self, loop: ast.AST, place: Place, times: float, line: int | None) -> Place:
        """The place in a loop. One loop with independent iterations is enough to spread the work."""
        # TODO: after this, what stands inside knows how often it runs, and whether any loop around it is free.
        ### BEGIN SOLUTION
        free = place.free or line is None
        inner = replace(place, times=place.times * times, free=free, carried=place.carried or line)
        self.note(COMPUTE, loop, "a loop", STEP, inner)
        return inner
        ### END SOLUTION

    def enter(self, node: ast.With | ast.AsyncWith, place: Place) -> list[tuple[ast.AST, Place]]:
        """``with x as y``; a lock keeps others out of its block."""
        inner = place
        for item in node.items:
            meaning = meaning_of(item.context_expr, place.scope)
            if item.optional_vars is not None:
                bind_target(item.optional_vars, meaning, place.scope)
            if isinstance(node, ast.AsyncWith):
                self.awaited.add(item.context_expr)
            if meaning.startswith("threading."):
                inner = replace(place, locked=True)
        return [(item.context_expr, place) for item in node.items] + [(child, inner) for child in node.body]

    def wait_for(self, node: ast.Await, place: Place) -> None:
        """Whatever is called here is awaited."""
        self.awaited.add(node.value)

    def hear_call(self, node: ast.Call, place: Place) -> None:
        """A call: remembered until all names are known."""
        self.calls.append((node, place, node in self.awaited))

    def compute(self, node: ast.AST, place: Place) -> None:
        """One step of arithmetic."""
        if place.times > 1 or place.function is not self.module:
            self.note(COMPUTE, node, "arithmetic", STEP, place)

    def update(self, node: ast.AugAssign, place: Place) -> None:
        """``x += 1`` reads and writes: a hazard if x is not this function's own and no lock is held."""
        # TODO: after this, `self.n += 1` outside a lock is noted as "share"; `n += 1` on a name of one's own is not.
        ### BEGIN SOLUTION
        self.compute(node, place)
        target: ast.expr = node.target
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if not isinstance(target, ast.Name) or place.locked or place.function is self.module:
            return
        own = target.id in place.scope.meanings and not place.scope.meanings[target.id].startswith(OWN)
        if (place.scope, target.id) in self.shared or (not own and not isinstance(node.target, ast.Name)):
            self.note("share", node, shown(node.target), 0.0, place)
        ### END SOLUTION

    def note(self, kind: str, node: ast.AST, name: str, seconds: float, place: Place) -> None:
        """Remember a place where time goes."""
        place.function.sites.append(Site(kind, getattr(node, "lineno", 0), name, seconds, place))

    def call(self, node: ast.Call, place: Place, waited_for: bool) -> None:
        """Evidence, or an edge of the call graph; and what becomes of functions that are handed over."""
        # TODO: own function: an edge. Known: a site of its kind. Awaited and unknown: "await". Anything else: one step.
        ### BEGIN SOLUTION
        meaning = meaning_of(node.func, place.scope)
        known = None if meaning.startswith(OWN) else lookup(meaning)
        if name := self.own(meaning):
            place.function.edges.append(Edge(name, place))
        elif known:
            self.note(known[0], node, meaning, seconds_of(node, meaning, known[1]), place)
        elif waited_for:
            self.note("await", node, shown(node.func), UNHEARD_OF, place)
        else:
            self.note(COMPUTE, node, "a call", STEP, place)
        if meaning not in MOVES and getattr(node.func, "attr", "") not in MOVES:
            self.hand_over(node, meaning, place)
        ### END SOLUTION

    def own(self, meaning: str) -> str:
        """The name of the code's own function that a meaning stands for, or nothing."""
        if not meaning.startswith(OWN):
            return ""
        name = meaning[1:]
        return next((each for each in (name, f"{name}.__init__") if each in self.functions), "")

    def hand_over(self, node: ast.Call, meaning: str, place: Place) -> None:
        """``pool.map(f, items)`` calls f for each item, ``Thread(target=f)`` once, both elsewhere."""
        last = node.func.attr if isinstance(node.func, ast.Attribute) else meaning
        here = isinstance(node.func, ast.Name) and meaning in MAPS
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if not isinstance(argument, ast.Name | ast.Attribute):
                continue
            handed = meaning_of(argument, place.scope)
            times = iterations(None, {}) if last in MAPS else 1.0
            spread = replace(place, free=True) if times > 1 else place
            if name := self.own(handed):
                place.function.edges.append(Edge(name, spread, times, handed=not here))
            elif last in MAPS | {"submit"} and (known := lookup(handed)):
                self.note(known[0], node, handed, known[1] * times, spread)


VISITORS: dict[type[ast.AST], str] = {
    ast.FunctionDef: "define",
    ast.AsyncFunctionDef: "define",
    ast.ClassDef: "define_class",
    ast.Import: "imports",
    ast.ImportFrom: "imports",
    ast.Assign: "assign",
    ast.AnnAssign: "assign",
    ast.NamedExpr: "assign",
    ast.Global: "declare",
    ast.Nonlocal: "declare",
    ast.For: "loop",
    ast.AsyncFor: "loop",
    ast.While: "repeat",
    ast.ListComp: "comprehension",
    ast.SetComp: "comprehension",
    ast.DictComp: "comprehension",
    ast.GeneratorExp: "comprehension",
    ast.With: "enter",
    ast.AsyncWith: "enter",
    ast.Await: "wait_for",
    ast.Call: "hear_call",
    ast.BinOp: "compute",
    ast.Compare: "compute",
    ast.AugAssign: "update",
}


def seconds_of(node: ast.Call, meaning: str, usual: float) -> float:
    """A sleep says how long it is; to make an async client takes no time yet."""
    if lookup(meaning) == ("await", usual) and meaning.rpartition(".")[2][:1].isupper():
        return 0.0
    first = node.args[0] if node.args and meaning in ("time.sleep", "asyncio.sleep") else None
    if isinstance(first, ast.Constant) and isinstance(first.value, int | float):
        return float(first.value)
    return usual


def shown(node: ast.AST) -> str:
    """A name as the code has it, shortened to its last part where it is longer."""
    if isinstance(node, ast.Attribute):
        return f"{node.value.id}.{node.attr}" if isinstance(node.value, ast.Name) else f"….{node.attr}"
    if isinstance(node, ast.Subscript):
        return f"{shown(node.value)}[…]"
    return node.id if isinstance(node, ast.Name) else type(node).__name__


# %% [markdown]
# Try it: which sites does this code have, and how often does each run?

# %%
from features import Reader

try:
    reader = Reader()
    reader.read(ast.parse(snippets.named("prices of a shop").source))
    for function in reader.functions.values():
        for site in function.sites:
            print(f"{function.name:8} line {site.line}: {site.kind:8} {site.name:28} {site.place.times:6.0f} times")
except NotImplementedError:
    print("Nothing to try yet: fill in the methods of Reader first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# In `[f(x) for x in g()]`, what runs once and what runs for each item? Where does the tree keep the two?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`ast.iter_child_nodes`](https://docs.python.org/3/library/ast.html#ast.iter_child_nodes) gives children in the order
# of the text; `list.pop()` takes the last. `dataclasses.replace(place, times=…)` makes a place like another.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `read`: a list of (node, place); take one, ask its visitor for its children and their places, or take all children in
# the same place; put them back reversed. At the end, `call` for every call that was heard, because only now all names
# are known. `inside`: times multiplied; free if it was, or if there is no line; note one step; return the place.
#
# </details>

# %% [markdown]
# ## 6 · Part 3: who calls whom
#
# A loop that calls `status(host)` looks harmless; what costs stands in `status`. So a function's evidence is its sites,
# multiplied by how often it is called. Go through the functions callers first: then all that can be said of a function's
# callers is known when its turn comes, and each call is followed once. This order is called *topological*; a circle of
# functions that call each other has none, and must be cut somewhere.
#
# Three things travel along a call. How often. Whether a free loop stands around it. And whether an event loop runs it:
# a plain function called from a coroutine blocks the loop when it waits, unless it was handed to a thread.

# %% nbgrader={"grade": false, "grade_id": "graph", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module graph
"""Who calls whom, how often, in which kind of loop: what a function costs depends on its callers."""

import ast
from collections import Counter
from collections.abc import Iterator

from evidence import Edge, Evidence, Function
from features import Reader
from knowledge import BRANCHING, COMPUTE, RECURSION, WAIT


def follow_calls(functions: dict[str, Function]) -> None:
    """Give every function what its callers make of it: callers first, each edge once; a circle is cut somewhere."""
    # TODO: after this, every function was passed once, after all its callers; a circle of calls ends as well.
    ### BEGIN SOLUTION
    callers = Counter[str]()
    for function in functions.values():
        for edge in function.edges:
            callers[edge.callee] += edge.callee != function.name
    ready = [function for name, function in functions.items() if not callers[name]]
    left = dict(functions)
    while left:
        function = ready.pop() if ready else next(iter(left.values()))
        if left.pop(function.name, None) is None:
            continue
        arrive(function)
        for edge in function.edges:
            if edge.callee == function.name:
                continue
            pass_on(function, functions[edge.callee], edge)
            callers[edge.callee] -= 1
            if not callers[edge.callee]:
                ready.append(functions[edge.callee])
    ### END SOLUTION


def arrive(function: Function) -> None:
    """All that is known of a function's callers is known. Nobody calls it: assume once. It calls itself: often."""
    own = sum(1 if edge.place.times <= 1 else 2 for edge in function.edges if edge.callee == function.name)
    function.times = (function.times or 1.0) * (1 if not own else RECURSION if own == 1 else BRANCHING)
    function.in_loop = function.in_loop or function.coroutine


def pass_on(caller: Function, callee: Function, edge: Edge) -> None:
    """What one call tells its callee."""
    # TODO: after this, the callee runs as often as its callers make it, and knows their loops.
    ### BEGIN SOLUTION
    place = edge.place
    callee.times = min(callee.times + caller.times * place.times * edge.times, 1e12)
    callee.free = callee.free or caller.free or place.free
    callee.carried = callee.carried or caller.carried or place.carried
    callee.in_loop = callee.in_loop or (caller.in_loop and not edge.handed and not callee.coroutine)
    ### END SOLUTION


def extract(tree: ast.Module) -> list[Evidence]:
    """All evidence in a module's tree, unordered. Nothing of the code is run or imported."""
    reader = Reader()
    reader.read(tree)
    follow_calls(reader.functions)
    return [evidence for function in reader.functions.values() for evidence in weigh(function)]


def weigh(function: Function) -> Iterator[Evidence]:
    """A function's sites as evidence, with what its callers add."""
    # TODO: seconds over all calls; what waits in an event loop blocks; what stands in no free loop depends, or is once.
    ### BEGIN SOLUTION
    for site in function.sites:
        place, kind, line = site.place, site.kind, site.line
        free, back = place.free or function.free, function.carried or place.carried
        if kind == "share" and not free:
            continue
        if kind == WAIT and function.in_loop:
            kind = "block"
        elif kind in (WAIT, "free", COMPUTE) and not free:
            kind, line = ("depend", back) if back else ("once", line)
        yield Evidence(kind, line, site.name, min(site.seconds * place.times * function.times, 1e6))
    ### END SOLUTION


# %% [markdown]
# Try it: the wait is in the helper, and it is paid for each host.

# %%
from graph import extract

try:
    for each in sorted(extract(ast.parse(snippets.named("the wait is in a helper").source)), key=lambda each: -each.seconds)[:3]:
        print(f"{each.kind:8} line {each.line}: {each.name:16} {each.seconds:10.4f} s")
except NotImplementedError:
    print("Nothing to try yet: fill in follow_calls, pass_on and weigh first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# When may you be sure that no more callers of a function are to come?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# A `collections.Counter` of how many calls of each function are not yet followed. Python's own
# [`graphlib`](https://docs.python.org/3/library/graphlib.html) sorts topologically, and raises CycleError for a circle.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# Ready is who has no caller left. While functions are left: take a ready one, or any if there is none; `arrive`; for each
# of its edges, but not to itself: `pass_on`, count one caller less, and put the callee among the ready ones at zero.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-features", "locked": true, "points": 14, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires


def named(rows, kind):
    """Lines and names of one kind of evidence."""
    return sorted({(line, name) for what, line, name, _ in rows if what == kind})


def seconds(rows, kind):
    """All seconds of one kind."""
    return sum(each for what, _, _, each in rows if what == kind)


@points(3)
def test_words_are_no_calls(answer):
    """Words in comments, strings and docstrings are no evidence; a call is, with its line."""
    source = (
        '"""time.sleep(1)"""\nimport time\n# requests.get(url)\nNOTE = "subprocess.run(x)"\n'
        "def f(xs):\n    for x in xs:\n        time.sleep(x)  # not requests.get(x)\n"
    )
    facts = answer.drive(evidence, source)
    assert named(facts, "wait") == [(7, "time.sleep")]
    assert {kind for kind, line, *_ in facts if line < 5} == set(), "Nothing happens in lines 1 to 4."


@points(3)
@requires("test_words_are_no_calls")
def test_loops_multiply(answer):
    """What stands in a loop costs as often as the loop runs; what the loop goes over costs once."""
    once, often = (
        answer.drive(evidence, f"import time\nfor x in range(2):\n    for y in range({count}):\n        time.sleep(1)\n")
        for count in (3, 30)
    )
    assert (seconds(once, "wait"), seconds(often, "wait")) == (6, 60)
    outside = answer.drive(evidence, "import time\nfor x in time.sleep(1) or (1, 2):\n    print(x)\n")
    assert sum(each[3] for each in outside if each[2] == "time.sleep") == 1
    within = answer.drive(evidence, "import time\nnaps = [time.sleep(1) for x in range(20) for y in range(5)]\n")
    assert seconds(within, "wait") == 100


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_loops_multiply")
def test_costs_of_helpers(answer):
    """The cost of a helper is paid for each call of it, through several helpers, methods and pools."""
    source = (
        "import time\n"
        "def low():\n    time.sleep(1)\n"
        "def high():\n    for _ in range(3):\n        low()\n"
        "class Crew:\n    def work(self):\n        for _ in range(5):\n            high()\n"
        "def main(pool, crew=Crew()):\n    for _ in range(2):\n        Crew().work()\n"
    )
    facts = answer.drive(evidence, source)
    assert named(facts, "wait") == [(3, "time.sleep")]
    assert seconds(facts, "wait") == 30, "low() is called by high() 3 times, that by work() 5 times, and that twice."
    mapped = answer.drive(evidence, "import time\ndef f(x):\n    time.sleep(1)\ndef g(pool, xs):\n    pool.map(f, xs)\n")
    assert seconds(mapped, "wait") >= 100, "pool.map calls f for each item."
    circle = "import time\ndef a(n):\n    time.sleep(1)\n    b(n)\ndef b(n):\n    a(n)\nfor n in range(9):\n    a(n)\n"
    assert seconds(answer.drive(evidence, circle), "wait") >= 9, "Two functions call each other, and a loop calls one."


@points(4)
@requires("test_words_are_no_calls")
def test_awaits_and_blocks(answer):
    """An awaited sleep under another name blocks nobody; a wait in a helper that a coroutine calls does; a thread's does not."""
    naps = "import asyncio as a\nfrom asyncio import sleep\nasync def f():\n    for x in (1, 2):\n        await sleep(1)\n        await a.sleep(1)\n"
    facts = answer.drive(evidence, naps)
    assert named(facts, "block") == named(facts, "wait") == []
    assert seconds(facts, "await") == 4
    helper = "import time\ndef h():\n    time.sleep(1)\nasync def f():\n    for x in (1, 2):\n        h()\n"
    assert named(answer.drive(evidence, helper), "block") == [(3, "time.sleep")]
    moved = "import asyncio, time\ndef h():\n    time.sleep(1)\nasync def f():\n    await asyncio.to_thread(h)\n"
    assert named(answer.drive(evidence, moved), "block") == []


### END HIDDEN TESTS

# %% [markdown]
# ## 7 · Part 4: a score, and a confidence
#
# Evidence is in seconds, from microseconds to hours, so what counts is its order of magnitude: `strength` gives one point for each power of
# ten of milliseconds. Each kind of evidence speaks for one model, and `serial` begins with a lead: a worker must earn
# what it costs to start one.
#
# Points become shares by a *softmax*: a share is proportional to `e ** (SHARPNESS * points)`. The largest share is the
# confidence. Too sharp, and the advisor is sure and wrong; too blunt, and it is right and does not know it. The *Brier
# score* measures both: the mean of (confidence − right)², where right is 1 or 0. Who always says "one half" gets 0.25,
# whoever is right. You may fit the numbers to the 60 snippets, or replace all of it by a model of your own.

# %% nbgrader={"grade": false, "grade_id": "scoring", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module scoring
"""From evidence to a score for each model, and from scores to how sure one may be."""

import math
from collections.abc import Iterable

from evidence import Evidence

MODELS = ("threads", "processes", "asyncio", "to_thread", "serial")

#: What each kind of evidence adds to each model's score, for every power of ten of its milliseconds.
WEIGHTS: dict[str, dict[str, float]] = {
    "wait": {"threads": 1.0},
    "free": {"threads": 1.0},
    "compute": {"processes": 1.0},
    "await": {"asyncio": 1.0},
    "block": {"to_thread": 1.0},
    "depend": {"serial": 1.0},
    "once": {"serial": 1.0},
}

#: What a model begins with: a worker must earn what it costs to start one, and a loop that is blocked once is blocked.
START = {"serial": 1.2}
BLOCKED = 3.0

#: How much a lead of one point is worth; fitted to the learners' snippets.
SHARPNESS = 2.0


def totals(evidence: Iterable[Evidence]) -> dict[str, float]:
    """Seconds of each kind that speaks for a model."""
    seconds = dict.fromkeys(WEIGHTS, 0.0)
    for each in evidence:
        if each.kind in seconds:
            seconds[each.kind] += each.seconds
    return seconds


def strength(seconds: float) -> float:
    """How much so many seconds count: 0 for none, 3 for one second, one more for ten times as many."""
    return math.log10(1 + seconds / 1e-3)


def contributions(evidence: Iterable[Evidence]) -> dict[str, dict[str, float]]:
    """For each model, what each kind of evidence adds to its score."""
    # TODO: after this, each model has one number for every kind that speaks for it.
    ### BEGIN SOLUTION
    parts: dict[str, dict[str, float]] = {model: {} for model in MODELS}
    parts["serial"]["start"] = START["serial"]
    for kind, seconds in totals(evidence).items():
        for model, weight in WEIGHTS[kind].items():
            if seconds:
                parts[model][kind] = weight * strength(seconds) + (BLOCKED if kind == "block" else 0.0)
    return parts
    ### END SOLUTION


def score(evidence: Iterable[Evidence]) -> dict[str, float]:
    """How likely each model is the right one: from 0 to 1, 1 together."""
    # TODO: after this, a lead of one point multiplies a share by e ** SHARPNESS.
    ### BEGIN SOLUTION
    points = {model: sum(parts.values()) for model, parts in contributions(evidence).items()}
    best = max(points.values())
    shares = {model: math.exp(SHARPNESS * (value - best)) for model, value in points.items()}
    whole = sum(shares.values())
    return {model: share / whole for model, share in shares.items()}
    ### END SOLUTION


# %% [markdown]
# Try it: what do the points of a snippet consist of?

# %%
from IPython.display import display
from scoring import contributions, score

from weft.charts import score_bars

try:
    found = extract(ast.parse(snippets.named("prices of a shop").source))
    print({model: round(share, 3) for model, share in score(found).items()})
    display(score_bars(contributions(found)))
except NotImplementedError:
    print("Nothing to try yet: fill in contributions and score first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Two models have 5 and 4 points. Which share should the first have if you have no idea, and which if you are certain?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`math.exp`](https://docs.python.org/3/library/math.html#math.exp) overflows above 709: take the best score off all of
# them before.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `contributions`: for each kind with any seconds, for each model in its weights: weight × strength; a block brings
# BLOCKED besides; serial has its start. `score`: sum for each model → minus the best → exp → divided by their sum.
#
# </details>

# %% [markdown]
# ## 8 · Part 5: advice
#
# An advisor that says "threads" helps little. One that says "line 8: requests.get lets other threads run meanwhile; give
# each item to a `concurrent.futures.ThreadPoolExecutor`" can be checked, and argued with. The line is the one on which
# the most time of the deciding kind goes; for a dependency, it is the statement that makes an iteration need the last.
#
# Updates of what threads would share are *hazards*: they do not change the model, they say what will break. And whatever
# text comes in, there is an answer. `ast.parse` raises SyntaxError for most of what it cannot read, and a few other
# things for the rest.

# %% nbgrader={"grade": false, "grade_id": "advice", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module advice
"""Advice on a piece of code: which model fits, how sure that is, why, where, and what to write instead."""

import ast
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from evidence import Evidence
from graph import extract
from scoring import score

UNREADABLE = "unreadable"

#: The kinds of evidence that speak for each model.
SPEAKS_FOR = {
    "threads": ("wait", "free"),
    "processes": ("compute",),
    "asyncio": ("await",),
    "to_thread": ("block",),
    "serial": ("depend", "once"),
}

#: What each model is built with.
API = {
    "threads": "concurrent.futures.ThreadPoolExecutor",
    "processes": "concurrent.futures.ProcessPoolExecutor",
    "asyncio": "asyncio.TaskGroup",
    "to_thread": "asyncio.to_thread",
    "serial": "timeit.timeit",
    UNREADABLE: "ast.parse",
}

#: What each kind of evidence is a reason for, and what to write instead.
SAYS = {
    "wait": "{what} waits, and other threads can run meanwhile. Give each item to a {api}.",
    "free": "{what} computes without the GIL, so threads do run at once. Give each item to a {api}.",
    "compute": "{what} holds the GIL while it computes. Give each item to a {api}.",
    "await": "{what} is awaited, and the event loop is free meanwhile. Start all of them in an {api}.",
    "block": "{what} holds up the event loop. Await {api}(...) with it instead.",
    "depend": "Here each iteration needs the one before. Leave it serial; if it is slow, measure parts with {api}.",
    "once": "{what} leaves nothing to overlap with. Leave it serial, and measure with {api} before you change it.",
    "nothing": "There is too little to do for a worker. Leave it serial, and measure with {api} before you change it.",
    UNREADABLE: "Python cannot read it: {what}. {api} says where.",
}


@dataclass(frozen=True, slots=True)
class Hazard:
    """Something that would go wrong with several threads: a line, and what it is about."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Advice:
    """The answer. ``confidence`` is the share of such answers that are right, as far as the advisor knows itself."""

    model: str
    confidence: float
    line: int
    reason: str
    api: str
    scores: dict[str, float]
    hazards: tuple[Hazard, ...] = ()


def heaviest(evidence: Iterable[Evidence], kinds: tuple[str, ...]) -> tuple[int, str, str]:
    """The line on which evidence of these kinds costs the most, its kind, and what stands there; else line 1."""
    # TODO: after this, the line is the one on which the most time of these kinds goes.
    ### BEGIN SOLUTION
    lines: dict[tuple[int, str, str], float] = defaultdict(float)
    for each in evidence:
        if each.kind in kinds:
            lines[each.line, each.kind, each.name] += each.seconds
    return max(lines, key=lambda place: lines[place], default=(1, "nothing", ""))
    ### END SOLUTION


def hazards_in(evidence: Iterable[Evidence]) -> tuple[Hazard, ...]:
    """Updates that threads would lose, one for each line."""
    ### BEGIN SOLUTION
    shared = {each.line: each.name for each in evidence if each.kind == "share"}
    return tuple(
        Hazard(line, f"Several threads would update {name} at once: guard it with a threading.Lock.")
        for line, name in sorted(shared.items())
    )
    ### END SOLUTION


def unreadable(error: Exception) -> Advice:
    """Code that cannot be parsed has a line, too."""
    line = getattr(error, "lineno", None) or 1
    what = getattr(error, "msg", None) or error or type(error).__name__
    reason = SAYS[UNREADABLE].format(what=what, api=API[UNREADABLE])
    return Advice(UNREADABLE, 1.0, line, reason, API[UNREADABLE], {})


def advise(source: str | bytes) -> Advice:
    """Read ``source``, which is never run, and say which model fits it. Whatever it is, there is an answer."""
    # TODO: after this, any text has an answer, and none of it was run.
    ### BEGIN SOLUTION
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return unreadable(error)
    evidence = extract(tree)
    scores = score(evidence)
    model = max(scores, key=lambda name: scores[name])
    line, kind, what = heaviest(evidence, SPEAKS_FOR[model])
    reason = SAYS[kind].format(what=what, api=API[model])
    return Advice(model, scores[model], line, reason, API[model], scores, hazards_in(evidence))
    ### END SOLUTION


# %% [markdown]
# Try it on a snippet with a hazard, and look at the marks beside the code.

# %%
from advice import advise

from weft.charts import code_marks


def marked(source: str):
    """The code, with the advice and the hazards beside their lines."""
    given = advise(source)
    print(f"{given.model}, {given.confidence:.0%} sure. Line {given.line}: {given.reason}")
    for hazard in given.hazards:
        print(f"Hazard in line {hazard.line}: {hazard.text}")
    return code_marks(source, {given.line: given.model}, {hazard.line: "shared" for hazard in given.hazards})


try:
    display(marked(snippets.named("a counter under a pool").source))
except NotImplementedError:
    print("Nothing to try yet: fill in heaviest, hazards_in and advise first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# What does `ast.parse` raise for ten thousand parentheses? For a zero byte? For a hundred thousand brackets?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# `max(…, key=…, default=…)`; a `collections.defaultdict(float)` adds up what goes on at each line.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `advise`: parse, or say why not → evidence → scores → the model with the largest share → the heaviest line of the kinds
# that speak for it → the sentence for it, with what stands on that line.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-advice", "locked": true, "points": 16, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
import functools
import importlib
import sys

from weft.judge import points, requires
from weft.worlds.snippets import mark

CLEAR = "import requests\ndef f(urls):\n    for url in urls:\n        requests.get(url)\n"
MIXED = (
    "import requests, json\ndef f(urls):\n    for url in urls:\n        text = requests.get(url).text\n"
    "        for part in range(100):\n            json.loads(text)\n"
)
COUNTED = "def f(rows):\n    for row in rows:\n        for cell in row:\n            print(cell * cell % 7)\n"


@functools.cache
def advised(answer, snippets):
    """Advice on the learners' snippets, driven once for all checks."""
    return answer.drive(advise_each, [snippet.source for snippet in snippets.all])


def learners(answer, snippets):
    """Marks for it."""
    return mark(snippets.all, advised(answer, snippets))


@points(2)
def test_shares(answer):
    """Scores are shares: none below 0, 1 together; the model has the largest, and the confidence is that share."""
    facts = answer.drive(row, CLEAR)
    shares = facts["scores"]
    assert set(shares) == {"threads", "processes", "asyncio", "to_thread", "serial"}
    assert min(shares.values()) >= 0
    assert abs(sum(shares.values()) - 1) < 1e-6
    assert shares[facts["model"]] == max(shares.values())
    assert abs(facts["confidence"] - max(shares.values())) < 1e-6


@points(3)
@requires("test_shares")
def test_less_sure_when_it_is_mixed(answer):
    """Code that waits about as long as it computes gets less confidence than code that only waits or only computes."""
    clear, mixed, counted = answer.drive(advise_each, [CLEAR, MIXED, COUNTED])
    assert (clear["model"], counted["model"]) == ("threads", "processes")
    assert mixed["confidence"] + 0.05 <= min(clear["confidence"], counted["confidence"]), "All three are as sure."


@points(3)
@requires("test_shares")
def test_confidence_is_honest(answer, snippets):
    """On the learners' 60 snippets, the Brier score is at most 0.15."""
    marks = learners(answer, snippets)
    assert marks.brier <= 0.15, f"The Brier score is {marks.brier:.3f}; wrong: {dict(list(marks.wrong.items())[:5])}"


@points(3)
@requires("test_shares")
def test_the_right_line(answer, snippets):
    """Where the model is right, the line is right too, for nine of ten of the learners' snippets."""
    marks = learners(answer, snippets)
    assert len(marks.wrong) <= 30, "The model itself is wrong for more than half of the snippets."
    assert marks.lines_right >= 0.9, f"Wrong lines: {dict(list(marks.astray.items())[:5])}"


@points(2)
@requires("test_shares")
def test_suggestions_can_be_looked_up(answer, snippets):
    """A suggestion names something that the standard library has, and another one for each model."""
    named = {}
    for snippet, facts in zip(snippets.all, advised(answer, snippets), strict=True):
        if facts["model"] == snippet.model:
            module, _, attribute = facts["api"].rpartition(".")
            assert module.partition(".")[0] in sys.stdlib_module_names, f"{facts['api']!r} is not in the library."
            assert hasattr(importlib.import_module(module), attribute), f"There is no {facts['api']}."
            named.setdefault(snippet.model, facts["api"])
    assert len(set(named.values())) == 5, f"Models with their suggestions: {named}"


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_shares")
def test_nothing_is_run(answer):
    """Nothing of the code is run, and nothing that it imports."""
    sources = [
        "from pathlib import Path\nPath('executed').touch()\n",
        "import trap\nimport trap.inner\nfrom trap import something\n",
        "def f(x=open('executed too', 'w')):\n    pass\n",
        "class A:\n    open('executed, class', 'w')\n",
    ]
    facts = answer.drive(advise_traps, sources)
    assert facts["executed"] == [], "The code that you were to read was run: it left a file behind."
    ends = answer.drive(advise_traps, ["import os\nos._exit(3)\n", "raise SystemExit\n", "1 / 0\n"])
    assert ends == {"models": ["serial"] * 3, "executed": []}


### END HIDDEN TESTS

# %% [markdown]
# The next cells judge the advice itself. The first one uses the snippets that you have; 60 others, by another hand, wait
# at grading. Half of those are written to mislead: aliases, words in strings, classes of their own named like modules,
# costs in helpers.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-advice", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
import functools

from weft.judge import points, requires
from weft.worlds.snippets import mark

BLOCKED = "import time\nasync def f(jobs):\n    for job in jobs:\n        await job\n        time.sleep(0.1)\n"
STEPS = "import requests\ndef f(urls, state):\n    for url in urls:\n        {step}\n    return state\n"
SHARED = """import threading
import requests
from concurrent.futures import ThreadPoolExecutor

lock = threading.Lock()
sizes = {{"all": 0}}

def one(url):
    size = len(requests.get(url).content)
    {update}

def f(urls):
    with ThreadPoolExecutor() as pool:
        pool.map(one, urls)
"""


@functools.cache
def learners(answer, snippets):
    """Marks for the advice on the learners' snippets, driven once for all checks."""
    return mark(snippets.all, answer.drive(advise_each, [snippet.source for snippet in snippets.all]))


def told(marks):
    """What to look at, for the learner."""
    shares = ", ".join(f"{model} {share:.0%}" for model, share in marks.by_model.items())
    return f"Right: {shares}. Said instead: {dict(list(marks.wrong.items())[:6])}"


@points(3)
def test_models_partial(answer, snippets):
    """The right model for 65 % of the learners' snippets, each model counted the same."""
    marks = learners(answer, snippets)
    assert marks.macro_accuracy >= 0.65, told(marks)


@points(3)
@requires("test_models_partial")
def test_models_full(answer, snippets):
    """The right model for 85 % of the learners' snippets, each model counted the same."""
    marks = learners(answer, snippets)
    assert marks.macro_accuracy >= 0.85, told(marks)


@points(3)
def test_a_blocked_loop(answer):
    """A call that blocks an event loop is found, on its line; awaited in a thread, it is not."""
    facts = answer.drive(row, BLOCKED)
    assert (facts["model"], facts["line"]) == ("to_thread", 5)
    moved = BLOCKED.replace("time.sleep(0.1)", "await asyncio.to_thread(time.sleep, 0.1)").replace("time", "asyncio, time", 1)
    assert answer.drive(row, moved)["model"] == "asyncio"


@points(3)
def test_a_dependency(answer):
    """A loop whose iterations need each other stays serial, on the line that says so; without that it is spread."""
    facts = answer.drive(row, STEPS.format(step="state = requests.post(url, json=state).json()"))
    assert (facts["model"], facts["line"]) == ("serial", 4)
    free = answer.drive(row, STEPS.format(step="state += len(requests.post(url).content)"))
    assert free["model"] == "threads", "A sum can be added up from its parts."


@points(3)
def test_a_shared_update(answer):
    """An update that threads would lose is a hazard, on its line; under a lock it is none."""
    assert answer.drive(row, SHARED.format(update="sizes['all'] += size"))["hazards"] == [10]
    assert answer.drive(row, SHARED.format(update="with lock:\n        sizes['all'] += size"))["hazards"] == []


# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-unseen", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
### BEGIN HIDDEN TESTS
import functools

from weft.judge import points, requires
from weft.worlds.snippets import mark, parse

HIDDEN = parse(
    r'''
## name: h01
## model: threads
## why: Each status is a wait of its own.
## run: Monitor(["a"] * 8).refresh()
import requests


class Monitor:
    def __init__(self, sites):
        self.sites = sites
        self.states = {}

    def refresh(self):
        for site in self.sites:
            self.states[site] = requests.get(site, timeout=3).status_code  #!

## name: h02
## model: threads
## trap: alias
## why: pull is requests.get, stored under a name of one's own.
## run: warm(["a"] * 8)
import requests

pull = requests.get


def warm(addresses):
    return sum(len(pull(address).content) for address in addresses)  #!

## name: h03
## model: threads
## trap: alias
## why: u is urllib.request, under one letter.
## run: mirror(["a"] * 8, {})
import urllib.request as u


def mirror(links, store):
    for link in links:
        store[link] = u.urlopen(link).read()  #!

## name: h04
## model: threads
## trap: helper
## why: Two helpers down there is a database query over the network.
## run: export([1] * 8)
import psycopg2


def ask(cursor, key):
    cursor.execute("SELECT total FROM bills WHERE id = %s", (key,))  #!
    return cursor.fetchone()  #!


def bill(key):
    connection = psycopg2.connect("dbname=shop")  #!
    return ask(connection.cursor(), key)  #!


def export(keys):
    return [bill(key) for key in keys]  #!

## name: h05
## model: threads
## why: bz2 compresses without the GIL.
## run: archive([bytes(range(256)) * 1500] * 4)
import bz2


def archive(parts):
    out = []
    for part in parts:
        out.append(bz2.compress(part))  #!
    return out

## name: h06
## model: threads
## why: Waiting for devices, each with a pause of its own.
## run: blink([0.01] * 8)
from time import sleep as rest


def blink(pauses):
    for pause in pauses:
        rest(pause)  #!

## name: h07
## model: threads
## trap: words
## why: The words asyncio and multiprocessing stand in a docstring only; the code waits in requests.
## run: collect(["a"] * 8)
"""Collects prices. An asyncio version with aiohttp exists; a multiprocessing.Pool was tried, too."""
import requests


def collect(shops):
    """for n in range(10**9): total += n * n  (kept as a warning)"""
    return {shop: requests.get(shop).json() for shop in shops}  #!

## name: h08
## model: threads
## why: check_output waits for another program.
## run: versions(["true"] * 6)
from subprocess import check_output


def versions(tools):
    known = {}
    for tool in tools:
        known[tool] = check_output([tool, "--version"], text=True).strip()  #!
    return known

## name: h09
## model: threads
## trap: shadow
## why: The parameter sleep is a number; what waits is the socket.
## run: ping(["h"] * 8)
import socket


def ping(hosts, sleep=3):
    alive = 0
    for host in hosts:
        link = socket.create_connection((host, 80), timeout=sleep)  #!
        link.sendall(b"hello")  #!
        alive += 1
        link.close()
    return alive

## name: h10
## model: threads
## why: Each upload waits; the counter that all share is a hazard besides.
## run: push(["f"] * 8)
import ftplib
import threading

done = {"files": 0}


def upload(name):
    with ftplib.FTP("files.example") as ftp:  #!
        ftp.storbinary(f"STOR {name}", open("/dev/null", "rb"))  #!
    done["files"] += 1


def push(names):
    workers = [threading.Thread(target=upload, args=(name,)) for name in names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

## name: h11
## model: threads
## trap: alias
## why: The session is an attribute; its get waits all the same.
## run: Client().all(["a"] * 8)
import requests


class Client:
    def __init__(self):
        self.http = requests.Session()

    def one(self, path):
        return self.http.get("https://api.example" + path).json()  #!

    def all(self, paths):
        return [self.one(path) for path in paths]  #!

## name: h12
## model: threads
## trap: execute
## why: It would delete files and end the program if it were run; read, it waits for a server per name.
import os
import shutil

import requests

shutil.rmtree("work", ignore_errors=True)
open("executed.txt", "w").close()


def refill(names):
    for name in names:
        with open(name, "wb") as file:
            file.write(requests.get("https://files.example/" + name).content)  #!


os._exit(7)

## name: h13
## model: threads
## trap: deep
## why: A very long sum of constants at the top, and a loop that waits below it.
## run: drain(["a"] * 8)
import requests

LIMIT = $SUM


def drain(queues):
    for queue in queues:
        requests.delete(queue)  #!

## name: h14
## model: processes
## why: Each permutation is scored in Python; nothing waits.
## run: shortest([(n * 7 % 13, n * 5 % 11) for n in range(7)])
from itertools import permutations


def tour(route):
    length = 0.0
    for (ax, ay), (bx, by) in zip(route, route[1:]):  #!
        length += ((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5  #!
    return length


def shortest(cities):
    return min(tour(route) for route in permutations(cities))  #!

## name: h15
## model: processes
## trap: local
## why: The class socket is the program's own and its connect is a loop of arithmetic.
## run: run([3] * 60)
class socket:
    def connect(self, size):
        total = 0
        for number in range(3_000):  #!
            total += number % size  #!
        return total


def run(sizes):
    plug = socket()
    return [plug.connect(size) for size in sizes]  #!

## name: h16
## model: processes
## trap: local
## why: sleep is a function of this file that computes digits; nobody sleeps.
## run: table([400] * 6)
def sleep(digits):
    value = 1
    for number in range(1, digits):  #!
        value = value * number  #!
    return len(str(value))


def table(sizes):
    rows = []
    for size in sizes:
        rows.append(sum(sleep(size - n) for n in range(20)))  #!
    return rows

## name: h17
## model: processes
## trap: words
## why: All the waiting is in strings and comments. The loop over pixels computes.
## run: darken([[[9, 8, 7]] * 300] * 40)
# time.sleep(10)  # requests.get(URL)
HELP = "while True: time.sleep(1)"
SQL = "cursor.execute('SELECT 1')"


def darken(images):
    dark = []
    for image in images:
        dark.append([[max(0, channel - 30) for channel in pixel] for pixel in image])  #!
    return dark

## name: h18
## model: processes
## trap: helper
## why: The outer loop has one line; the inner loops are in a method that it calls.
## run: Board().search([1, 2, 3])
class Board:
    size = 60

    def _weigh(self, seed):
        best = 0
        for row in range(self.size):  #!
            for column in range(self.size):  #!
                best = max(best, (row * 31 + column * 17 + seed) % 1_009)  #!
        return best

    def search(self, seeds):
        return [self._weigh(seed) for seed in seeds]  #!

## name: h19
## model: processes
## why: pickle holds the GIL over each of the large objects.
## run: sizes([[{"n": i} for i in range(8_000)]] * 8)
import pickle


def sizes(objects):
    return [len(pickle.dumps(each)) for each in objects]  #!

## name: h20
## model: processes
## trap: dependency
## why: The inner loop depends on itself; the starts do not depend on each other.
## run: lengths(range(1, 1_500))
def lengths(starts):
    longest = {}
    for start in starts:
        n, steps = start, 0
        while n != 1:  #!
            n = n // 2 if n % 2 == 0 else 3 * n + 1  #!
            steps += 1
        longest[start] = steps
    return longest

## name: h21
## model: processes
## why: Word by word through many documents, all in Python.
## run: index({f"d{n}": "red green blue " * 2_000 for n in range(12)})
import re


def index(documents):
    found = {}
    for name, text in documents.items():
        words = re.split(r"\W+", text.lower())  #!
        found[name] = {word: words.count(word) for word in set(words)}  #!
    return found

## name: h22
## model: processes
## why: Decimal arithmetic over many terms per item.
## run: pi_table([30_000] * 8)
from decimal import Decimal


def series(terms):
    total = Decimal(0)
    for k in range(terms):  #!
        sign = -1 if k % 2 else 1
        total += sign * Decimal(4) / (2 * k + 1)  #!
    return total


def pi_table(sizes):
    return [series(size) for size in sizes]  #!

## name: h23
## model: processes
## trap: alias
## why: j is json, and json holds the GIL.
## run: reload(["[" + "2, " * 6_000 + "1]"] * 60)
import json as j


def reload(texts):
    return [j.loads(text) for text in texts]  #!

## name: h24
## model: processes
## trap: pool
## why: A thread pool around arithmetic gains nothing: the GIL lets one thread compute at a time.
## run: totals([20_000] * 6)
from concurrent.futures import ThreadPoolExecutor


def squares(limit):
    return sum(number * number % 7 for number in range(limit))  #!


def totals(limits):
    with ThreadPoolExecutor() as pool:
        return list(pool.map(squares, limits))

## name: h25
## model: processes
## why: Each board is solved by a recursion of its own.
## run: solve_all([7, 8])
def place(size, row, columns, up, down):
    if row == size:
        return 1
    count = 0
    for column in range(size):  #!
        if column in columns or row + column in up or row - column in down:  #!
            continue
        count += place(size, row + 1, columns | {column}, up | {row + column}, down | {row - column})  #!
    return count


def solve_all(sizes):
    return {size: place(size, 0, set(), set(), set()) for size in sizes}  #!

## name: h26
## model: processes
## why: Levenshtein distance for many pairs; the inner rows depend on each other, the pairs do not.
## run: [distance("kitten" * 12, "sitting" * 12) for _ in range(6)]
def distance(a, b):
    before = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):  #!
        now = [i]
        for j, y in enumerate(b, 1):  #!
            now.append(min(before[j] + 1, now[-1] + 1, before[j - 1] + (x != y)))  #!
        before = now
    return before[-1]


def matrix(words):
    return {(a, b): distance(a, b) for a in words for b in words}  #!

## name: h27
## model: asyncio
## why: Awaited one after the other, without need.
## run: asyncio.run(totals(["a"] * 8))
import asyncio

import aiohttp


async def total(session, shop):
    async with session.get(f"{shop}/total") as answer:  #!
        return (await answer.json())["total"]  #!


async def totals(shops):
    async with aiohttp.ClientSession() as session:
        sums = []
        for shop in shops:
            sums.append(await total(session, shop))  #!
        return sums

## name: h28
## model: asyncio
## trap: asyncio.sleep
## why: The alias is asyncio's sleep.
## run: asyncio.run(tick(8))
import asyncio as aio


async def tick(times):
    for number in range(times):
        print(number)
        await aio.sleep(0.01)  #!

## name: h29
## model: asyncio
## trap: asyncio.sleep
## why: pause is asyncio.sleep by assignment; no thread is held.
## run: asyncio.run(fade([1] * 8))
import asyncio

pause = asyncio.sleep


async def fade(levels):
    for level in levels:
        print(level)
        await pause(0.01)  #!

## name: h30
## model: asyncio
## trap: words
## why: time.sleep and requests.get are mentioned in a message, and not called.
## run: asyncio.run(scold(["a"] * 8))
import asyncio


async def scold(files):
    for file in files:
        print(f"{file}: do not call time.sleep(1) or requests.get(url) here")
        await asyncio.sleep(0.01)  #!

## name: h31
## model: asyncio
## trap: handed
## why: The blocking function goes to a thread by run_in_executor; the loop stays free.
## run: asyncio.run(scan(["a"] * 8))
import asyncio
import time


def slow(path):
    time.sleep(0.01)
    return path


async def scan(paths):
    loop = asyncio.get_running_loop()
    found = []
    for path in paths:
        found.append(await loop.run_in_executor(None, slow, path))  #!
    return found

## name: h32
## model: asyncio
## why: Two tables are filled by awaited statements.
## run: asyncio.run(fill([1] * 8))
import asyncio

import asyncpg


async def fill(rows):
    pool = await asyncpg.create_pool("postgresql://localhost/a")
    async with pool.acquire() as connection:
        for row in rows:
            await connection.execute("INSERT INTO a VALUES ($1)", row)  #!
            await connection.execute("INSERT INTO b VALUES ($1)", row)  #!

## name: h33
## model: asyncio
## why: A task group starts all of them; nothing blocks.
## run: asyncio.run(nightly(["a"] * 8))
import asyncio

import httpx


async def fetch(client, url, into):
    into[url] = (await client.get(url)).text  #!


async def nightly(urls):
    into = {}
    async with httpx.AsyncClient() as client, asyncio.TaskGroup() as group:
        for url in urls:
            group.create_task(fetch(client, url, into))
    return into

## name: h34
## model: asyncio
## trap: local
## why: time is a class of this file, whose sleep is a coroutine.
## run: asyncio.run(breathe(8))
import asyncio


class time:
    @staticmethod
    async def sleep(seconds):
        await asyncio.sleep(seconds)  #!


async def breathe(times):
    for _ in range(times):
        await time.sleep(0.01)  #!

## name: h35
## model: asyncio
## why: Lines are read from a stream and each is awaited.
## run: asyncio.run(relay(FakeStream(), FakeStream()))
import asyncio


async def relay(source, target):
    async for line in source:  #!
        target.write(line)
        await target.drain()  #!
    await asyncio.sleep(0)

## name: h36
## model: to_thread
## why: requests blocks inside a coroutine.
## run: asyncio.run(prices(["a"] * 6))
import asyncio

import requests


async def prices(shops):
    found = {}
    for shop in shops:
        found[shop] = requests.get(shop).json()  #!
        await asyncio.sleep(0)
    return found

## name: h37
## model: to_thread
## trap: alias
## why: nap is time.sleep; the import says so.
## run: asyncio.run(poll([1] * 6))
import asyncio
from time import sleep as nap


async def poll(jobs):
    for job in jobs:
        await asyncio.sleep(0)
        nap(0.02)  #!

## name: h38
## model: to_thread
## trap: helper
## why: Two plain helpers down, the wait holds the loop.
## run: asyncio.run(serve(["a"] * 6))
import asyncio
import requests


def load(key):
    return requests.get(f"https://cache.example/{key}").text  #!


def lookup(key):
    return load(key).strip()  #!


async def serve(keys):
    for key in keys:
        print(lookup(key))  #!
        await asyncio.sleep(0.001)

## name: h39
## model: to_thread
## trap: helper
## why: The method is no coroutine, and its query blocks the loop that calls it.
## run: asyncio.run(Store().handle([1] * 6))
import asyncio
import psycopg2


class Store:
    def __init__(self):
        self.link = psycopg2.connect("dbname=shop")

    def save(self, row):
        self.link.cursor().execute("INSERT INTO t VALUES (%s)", (row,))  #!

    async def handle(self, rows):
        for row in rows:
            self.save(row)  #!
            await asyncio.sleep(0)

## name: h40
## model: to_thread
## trap: blocking
## why: Many awaits that are right, and one urlopen that is not.
## run: asyncio.run(page("u"))
import asyncio
import urllib.request


async def page(url):
    await asyncio.sleep(0.005)
    head = await asyncio.sleep(0.005, "head")
    body = urllib.request.urlopen(url).read()  #!
    await asyncio.sleep(0.005)
    return head, body

## name: h41
## model: to_thread
## trap: blocking
## why: The session's post is a blocking one, in an async method.
## run: asyncio.run(Hook(["a"] * 6).fire())
import requests


class Hook:
    def __init__(self, targets):
        self.targets = targets
        self.session = requests.Session()

    async def fire(self):
        for target in self.targets:
            self.session.post(target, json={})  #!

## name: h42
## model: to_thread
## trap: blocking
## why: The connect and the read of a plain socket block.
## run: asyncio.run(banner(["h"] * 6))
import socket


async def banner(hosts):
    texts = []
    for host in hosts:
        plug = socket.create_connection((host, 22))  #!
        texts.append(plug.recv(100))  #!
    return texts

## name: h43
## model: to_thread
## why: The program is waited for within the coroutine.
## run: asyncio.run(encode(["a"] * 4))
import asyncio
from subprocess import check_call


async def encode(clips):
    for clip in clips:
        check_call(["true", clip])  #!
        await asyncio.sleep(0)

## name: h44
## model: to_thread
## trap: blocking
## why: aiohttp is imported and used, and time.sleep still stops every task.
## run: asyncio.run(gently(["a"] * 6))
import time

import aiohttp


async def gently(urls):
    async with aiohttp.ClientSession() as session:
        for url in urls:
            async with session.get(url) as page:
                print(page.status)
            time.sleep(0.02)  #!

## name: h45
## model: to_thread
## why: The mail server is waited for, with the loop in hand.
## run: asyncio.run(mail(["m"] * 6))
import smtplib


async def mail(letters):
    server = smtplib.SMTP("localhost")
    for letter in letters:
        server.send_message(letter)  #!

## name: h46
## model: serial
## trap: dependency
## why: The next request needs the cursor that this one brings.
import requests


def events():
    cursor, found = "start", []
    while cursor:
        reply = requests.get("https://log.example", params={"from": cursor}).json()
        found += reply["events"]
        cursor = reply["next"]  #!
    return found

## name: h47
## model: serial
## trap: dependency
## why: x is made from x, ten thousand times.
## run: orbit(0.4, 100_000)
## alone: [orbit(0.4, 1)[0]] * 100_000
def orbit(x, steps, r=3.9):
    path = []
    for _ in range(steps):
        x = r * x * (1 - x)  #!
        path.append(x)
    return path

## name: h48
## model: serial
## trap: dependency
## why: The state goes through a helper and comes back: each block needs the one before.
## run: seal([b"b" * 3_000] * 30)
## alone: mix(b"", b"b" * 3_000)
def mix(state, block):
    value = int.from_bytes(state[-4:], "big")
    for byte in block:
        value = (value * 33 + byte) % 4_294_967_296
    return state[:60] + value.to_bytes(4, "big")


def seal(blocks):
    state = b""
    for block in blocks:
        state = mix(state, block)  #!
    return state

## name: h49
## model: serial
## trap: dependency
## why: row i is made from row i - 1.
## run: triangle(180)
def triangle(size):
    rows = [[1]]
    for i in range(1, size):
        last = rows[i - 1]
        rows.append([1] + [a + b for a, b in zip(last, last[1:])] + [1])  #!
    return rows

## name: h50
## model: serial
## trap: dependency
## why: The grid of the next day is made from the grid of this day.
## run: Life({(0, 1), (1, 1), (2, 1)}).run(300)
class Life:
    def __init__(self, cells):
        self.cells = cells

    def step(self):
        near = {}
        for x, y in self.cells:
            for dx in (-1, 0, 1):
                for dy in (-1, 0, 1):
                    near[x + dx, y + dy] = near.get((x + dx, y + dy), 0) + 1
        return {c for c, n in near.items() if n == 3 or (n == 4 and c in self.cells)}

    def run(self, days):
        for _ in range(days):
            self.cells = self.step()  #!
        return self.cells

## name: h51
## model: serial
## why: A handful of strings.
## run: initials()
PEOPLE = ["Ada Lovelace", "Grace Hopper", "Barbara Liskov", "Frances Allen"]


def initials():
    return ["".join(part[0] for part in name.split()) for name in PEOPLE]

## name: h52
## model: serial
## why: One list of a hundred numbers at most; microseconds.
## run: mean_of_ten()
def mean_of_ten():
    numbers = [n * 1.5 for n in range(10)]
    mean = sum(numbers) / len(numbers)
    return sum((n - mean) ** 2 for n in numbers) / len(numbers)

## name: h53
## model: serial
## trap: words
## why: A dictionary of texts that mention everything; nothing is done.
## run: advice("threads")
TEXTS = {
    "threads": "for url in urls: requests.get(url)",
    "processes": "while True: n = n * n % 7",
    "asyncio": "await asyncio.gather(*tasks)",
}


def advice(model):
    # time.sleep(5)
    return TEXTS.get(model, "none")

## name: h54
## model: serial
## trap: local
## why: These requests are rows in a list, and get is a dictionary's.
## run: first([{"id": 1}, {"id": 2}])
def first(requests):
    names = []
    for request in requests[:5]:
        names.append(request.get("id"))
    return names

## name: h55
## model: serial
## why: One file, read once.
## run: version("/etc/hostname")
from pathlib import Path


def version(path):
    return Path(path).read_text().strip() or "unknown"

## name: h56
## model: serial
## trap: execute
## why: It prints, ends the interpreter and touches a file when run; read, it does nothing worth a worker.
import sys
from pathlib import Path

Path("executed.txt").touch()
print("executed")
for name in sys.argv[1:3]:
    print(name)
sys.exit(3)

## name: h57
## model: serial
## trap: dependency
## why: Each guess is corrected from the last one.
## run: newton([float(n) for n in range(1, 2)])
def newton(numbers):
    value = numbers[0]
    guess = value
    for _ in range(40):
        guess = (guess + value / guess) / 2  #!
    return guess

## name: h58
## model: unreadable
## trap: syntax
## why: Python 2.
import requests

for url in urls:
    print requests.get(url)  #!

## name: h59
## model: unreadable
## trap: syntax
## why: The parenthesis of the third line is never closed.
import time

print(("waiting", 3)  #!
time.sleep(3)

## name: h60
## model: unreadable
## trap: deep
## why: More parentheses than Python can read.
value = $PARENS
'''.replace("$SUM", " + ".join(["1"] * 1_400)).replace("$PARENS", "(" * 10_000 + "1" + ")" * 10_000)
)

SHARED = """import threading
from concurrent.futures import ThreadPoolExecutor
import requests

class Count:
    def __init__(self):
        self.bytes = 0
        self.lock = threading.Lock()

    def one(self, url):
        size = 0
        for part in requests.get(url).content:
            size += part
        {update}

    def all(self, urls):
        with ThreadPoolExecutor() as pool:
            for url in urls:
                pool.submit(self.one, url)
"""

NESTED = """import requests

def f(urls):
    count = 0

    def one(url):
        nonlocal count
        requests.get(url)
        count += 1

    for url in urls:
        one(url)
    return count
"""


@functools.cache
def unseen(answer):
    """Marks for the advice on the hidden snippets, driven once for all checks."""
    return mark(HIDDEN, answer.drive(advise_each, [snippet.source for snippet in HIDDEN]))


def told(marks):
    """What to look at, without giving a snippet away."""
    return "Right: " + ", ".join(f"{model} {share:.0%}" for model, share in marks.by_model.items())


@points(3)
def test_unseen_models_partial(answer):
    """The right model for 65 % of 60 snippets that you have not seen, each model counted the same."""
    marks = unseen(answer)
    assert marks.macro_accuracy >= 0.65, told(marks)


@points(4)
@requires("test_unseen_models_partial")
def test_unseen_models_full(answer):
    """The right model for 85 % of 60 snippets that you have not seen, each model counted the same."""
    marks = unseen(answer)
    assert marks.macro_accuracy >= 0.85, told(marks)


@points(3)
@requires("test_unseen_models_partial")
def test_unseen_confidence(answer):
    """On snippets that you have not seen, the Brier score of your confidence is at most 0.15."""
    marks = unseen(answer)
    assert marks.brier <= 0.15, f"The Brier score is {marks.brier:.3f}."


@points(2)
@requires("test_unseen_models_partial")
def test_unseen_lines(answer):
    """On snippets that you have not seen, the line is the right one for nine of ten where the model is."""
    marks = unseen(answer)
    assert marks.lines_right >= 0.9, f"The right line for {marks.lines_right:.0%} of them."


@points(3)
def test_hazards_of_methods_and_closures(answer):
    """Updates of an object's attribute, and of an outer function's name, are hazards; a function's own names are not."""
    assert answer.drive(row, SHARED.format(update="self.bytes += size"))["hazards"] == [14]
    assert answer.drive(row, SHARED.format(update="with self.lock:\n            self.bytes += size"))["hazards"] == []
    assert answer.drive(row, NESTED)["hazards"] == [9]


### END HIDDEN TESTS

# %% [markdown]
# ## 9 · See it run
#
# This module is given. It puts your advisor behind a command: `weft run D1 --help`, or `weft run D1 -- PATH` for code of
# your own. Nothing that it reads is run.

# %% nbgrader={"grade": false, "grade_id": "demo", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module demo
"""The advisor as a command: reads files or folders, and says what it would do with each."""

import argparse
import ast
import logging
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from advice import Advice, advise

from weft.notebook.dashboard import View

#: Modules of the standard library that wait, compute, await, or do little.
LIBRARY = ("ftplib", "urllib/request", "difflib", "statistics", "asyncio/streams", "subprocess", "fractions", "keyword")


class Reading:
    """Advice on many texts, one after the other; ``read`` may run in a thread, and be stopped from another."""

    def __init__(self, sources: Iterable[tuple[str, bytes]]) -> None:
        self.sources = list(sources)
        self.advice: dict[str, Advice] = {}
        self.lines = 0
        self._over = threading.Event()

    def read(self) -> dict[str, Advice]:
        """Advise on each, until stopped."""
        for name, source in self.sources:
            if self._over.is_set():
                break
            self.advice[name] = advise(source)
            self.lines += source.count(b"\n")
            logging.debug("%s: %s", name, self.advice[name].model)
        return self.advice

    def stop(self) -> None:
        """Read no further text."""
        self._over.set()

    def view(self) -> View:
        """What the dashboards show."""
        counted = Counter(each.model for each in list(self.advice.values()))
        done = len(self.advice)
        stats = {"read": f"{done} of {len(self.sources)}", "lines": f"{self.lines:,}"}
        bars = {model: (count / done, f"{count}") for model, count in counted.most_common()}
        return View(stats, bars)


def library(names: Iterable[str] = ()) -> Iterator[tuple[str, bytes]]:
    """These modules of the standard library, or all that stand at its top."""
    folder = Path(ast.__file__).parent
    for path in [folder / f"{name}.py" for name in names] or sorted(folder.glob("*.py")):
        yield path.relative_to(folder).as_posix(), path.read_bytes()


def files(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """These files, and all Python files in these folders. Raises OSError for what cannot be read."""
    for path in paths:
        for each in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield str(each), each.read_bytes()


def earlier_answers() -> Iterator[tuple[str, bytes]]:
    """The modules of the learner's own notebooks, as far as there are any."""
    from weft.answer.lift import lift
    from weft.layout import Course, LayoutError, read_notebook

    try:
        challenges = Course.find().challenges()
    except LayoutError:
        return
    for challenge in challenges:
        if challenge.own_notebook.exists():
            for name, text in lift(read_notebook(challenge.own_notebook)).modules.items():
                yield f"{challenge.id} {name}", text.encode()


def sentence(name: str, given: Advice) -> str:
    """One line for a person."""
    hazards = f" Hazards in lines {', '.join(str(each.line) for each in given.hazards)}." if given.hazards else ""
    return f"{name}:{given.line}: {given.model} ({given.confidence:.0%}). {given.reason}{hazards}"


def main(argv: list[str] | None = None) -> int:
    """Advise on everything named; returns 1 if anything could not be read as Python."""
    parser = argparse.ArgumentParser(prog="weft run D1", description="Say which model of concurrency fits some code.")
    parser.add_argument("paths", nargs="*", type=Path, help="files and folders (default: some of the standard library)")
    parser.add_argument("--library", action="store_true", help="read every module at the top of the standard library")
    parser.add_argument("--debug", action="store_true", help="log each text, and count at the end")
    options = parser.parse_args(argv)
    if options.debug:
        logging.basicConfig(level=logging.DEBUG, format="%(relativeCreated)7.0f ms %(message)s")
    try:
        reading = Reading(files(options.paths) if options.paths else library(() if options.library else LIBRARY))
    except OSError as error:
        parser.error(str(error))
    for name, given in run(reading, plain=options.debug).items():
        print(sentence(name, given))
    if options.debug:
        print("advice:", dict(Counter(each.model for each in reading.advice.values())))
    return int(any(each.model == "unreadable" for each in reading.advice.values()))


def run(reading: Reading, plain: bool) -> dict[str, Advice]:
    """Read with a live view, or without one where log lines need the screen."""
    if plain:
        return reading.read()
    from weft.notebook.terminal import run_in_terminal

    return run_in_terminal(reading.read, reading.view, {"Stop": reading.stop})


# %% [markdown]
# Here it reads the whole top of the standard library, some hundred thousand lines, behind a dashboard. Nothing is
# imported, let alone run.

# %%
import demo

from weft.notebook import dashboard

try:
    advise("")
    reading = demo.Reading(demo.library())
    display(dashboard.run(reading.read, reading.view, {"Stop": reading.stop}))
except NotImplementedError:
    print("Nothing to see yet: the five parts come first.")

# %% [markdown]
# What the library looks like to your advisor: some modules that wait, some that compute, and many that are neither. Do
# you agree? Look at one that you know, and at the line.

# %%
try:
    for name, source in demo.library(demo.LIBRARY):
        print(demo.sentence(name, advise(source)))
except NotImplementedError:
    print("Nothing to see yet: the five parts come first.")

# %% [markdown]
# ## 10 · Explore
#
# How sure should it be? Move the slider: every share is raised to this power, and all are divided by their sum. To the right the advisor
# is surer than it was, to the left it hedges. Watch the points and the Brier score. Which way does an advisor have to
# move that is right 97 times of 100?

# %%
import ipywidgets

from weft.charts import calibration

given_to = {}
try:
    given_to = {snippet.name: advise(snippet.source) for snippet in snippets.all}
except NotImplementedError:
    print("Nothing to explore yet: the five parts come first.")


def explore(sharpness: float = 1.0) -> None:
    """Draw the calibration with every share raised to this power."""
    said = []
    for snippet in snippets.all:
        if given := given_to.get(snippet.name):
            whole = sum(share**sharpness for share in given.scores.values())
            said.append((given.confidence**sharpness / whole, given.model == snippet.model))
    display(calibration(said))


if given_to:
    slider = ipywidgets.FloatSlider(1.0, min=0.1, max=4.0, step=0.1, description="sharpness", continuous_update=False)
    ipywidgets.interact(explore, sharpness=slider)


# %% [markdown]
# These are the snippets to which you fitted it, if you did. On others it is right less often, and just as sure. That is what the hidden 60
# are for, and why the Brier score is judged on them.
#
# Now look at any of the 60: the score and its reasons, and the marks beside the code.

# %%
def look(name: str) -> None:
    """Scores and marks for one snippet."""
    snippet = snippets.named(name)
    display(score_bars(contributions(extract(ast.parse(snippet.source)))))
    display(marked(snippet.source))
    print(f"The label says {snippet.model}: {snippet.why}")


if given_to:
    ipywidgets.interact(look, name=ipywidgets.Dropdown(options=list(given_to), description="snippet"))

# %% [markdown]
# ## 11 · Your own code
#
# You have written threads, processes and coroutines in the challenges before this one. Feed them to your advisor. Where
# it disagrees with what you did, one of you is wrong, and it is worth finding out which.

# %%
try:
    own = list(demo.earlier_answers())
    for name, source in own:
        print(demo.sentence(name, advise(source)))
    if not own:
        print("No earlier answers here. The standard library has code, too:")
        for name, source in demo.library(("socketserver", "heapq", "asyncio/queues", "zipfile/__init__")):
            print(demo.sentence(name, advise(source)))
except NotImplementedError:
    print("Nothing to see yet: the five parts come first.")
except OSError as error:
    print("This Python keeps that module elsewhere:", error)

# %% [markdown]
# ## 12 · Graded checks: performance, quality, errors
#
# Performance is a ratio of CPU seconds: yours beside one parse and one `ast.walk` of the same files, in turn, in the same
# run.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "performance-library", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# %%checks performance
import functools

from weft.judge import points, requires
from weft.judge.yardsticks import paired_ratio

#: Long modules that every Python from 3.11 on has at the top of its library.
FILES = ["argparse", "doctest", "inspect", "subprocess", "tarfile", "typing"]


def cpu(answer, function, *args):
    """CPU seconds of one drive."""
    answer.drive(function, *args, deadline=20)
    return answer.usage.cpu_seconds


@functools.cache
def ratio(answer):
    """Measured once for both checks: your CPU time over the yardstick's."""
    return paired_ratio(lambda: cpu(answer, advise_library, FILES), lambda: cpu(answer, walk_library, FILES))


@points(4)
def test_library_partial(answer):
    """On six modules of the standard library you use at most six times the CPU of one parse and one ast.walk."""
    assert ratio(answer) <= 6.0


### BEGIN HIDDEN TESTS
@points(6)
@requires("test_library_partial")
def test_library_full(answer):
    """On six modules of the standard library you use at most three times the CPU of one parse and one ast.walk."""
    assert ratio(answer) <= 3.0


@points(5)
@requires("test_library_partial")
def test_a_long_chain(answer):
    """A file of thousands of functions, each calling the next, takes no more than six times its parse and walk."""
    lines = [f"def f{n}(x):\n    f{n + 1}(x)" for n in range(6_000)] + ["def f6000(x):\n    return x", "f0(1)"]
    text = "\n".join(lines)
    assert paired_ratio(lambda: cpu(answer, advise_library, [], text), lambda: cpu(answer, walk_library, [], text)) <= 6.0


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "quality-code", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks quality
from weft.judge import points, requires

PARTS = ("names", "features", "graph", "scoring", "advice")


@points(0)
def test_it_works(answer):
    """Advice on two lines works. Code that does not run cannot be reviewed."""
    assert answer.drive(row, "import time\nfor n in range(99):\n    time.sleep(1)\n")["model"] == "threads"


@points(4)
@requires("test_it_works")
def test_no_leftovers(code):
    """Nothing is left over: unused names, unused imports, comparisons that do nothing, mutable defaults."""
    assert code.findings("F", "E7", "B006", "B015", "B018", "B023", only=PARTS) == []


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

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "errors-input", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# %%checks errors
from weft.judge import points, requires


@points(2)
def test_a_syntax_error_is_an_answer(answer):
    """A syntax error is an answer: unreadable, with the line on which Python gave up."""
    facts = answer.drive(row, "import time\n\nfor x in xs:\n    print x\n")
    assert (facts["model"], facts["line"]) == ("unreadable", 4)
    assert facts["reason"]


### BEGIN HIDDEN TESTS
@points(1)
@requires("test_a_syntax_error_is_an_answer")
def test_what_is_no_text(answer):
    """A binary file, a zero byte and an unknown encoding are unreadable, and an empty file is read."""
    for latin in ("\x7fELF\x02\x01\x01\x00\x00\xff\xfe", "x = 1\x00\n", "# -*- coding: no-such -*-\nx = 1\n"):
        facts = answer.drive(advise_bytes, latin)
        assert facts["model"] == "unreadable", f"{latin[:12]!r} is not Python."
    assert answer.drive(advise_bytes, "")["model"] == "serial"


@points(1)
@requires("test_a_syntax_error_is_an_answer")
def test_too_many_parentheses(answer):
    """Ten thousand nested parentheses are unreadable, not a crash."""
    assert answer.drive(row, "x = " + "(" * 10_000 + "1" + ")" * 10_000)["model"] == "unreadable"


@points(1)
@requires("test_a_syntax_error_is_an_answer")
def test_deep_but_readable(answer):
    """Nesting that Python itself can read is read: long sums and long chains of calls, wherever they stand."""
    total, chain = " + ".join(["m"] * 1_400), "x" + ".step()" * 600
    loop = f"import time\ndef f(xs):\n    for x in xs:\n        n = {total}\n        a[{total}] = {chain}\n        time.sleep(x)\n"
    facts = answer.drive(row, loop)
    assert (facts["model"], facts["line"]) == ("threads", 6)
    assert answer.drive(row, "x = " + " + ".join(["1"] * 5_000))["model"] in ("serial", "unreadable")


### END HIDDEN TESTS

# %% [markdown]
# ## 13 · Afterwards
#
# **Pitfalls.**
# An advisor that was only tried on the code that it was fitted to is sure, and nobody knows of what.
# A label that nobody confirmed is an opinion; measure before you believe one, yours included.
# `eval` and `import` are not ways to read code: both run it.
# What a loop runs over is data, and data is not in the text. A thousand times is a guess.
#
# **What professionals use.** For the structure, [Pyright](https://microsoft.github.io/pyright/) and
# [mypy](https://mypy.readthedocs.io/) follow types, not only names; [Semgrep](https://semgrep.dev/) and
# [CodeQL](https://codeql.github.com/) let you write patterns over syntax trees and data flow. Ruff has rules for blocking calls in
# coroutines (ASYNC210 to ASYNC251). For the costs nobody guesses: they profile, with `cProfile`, py-spy or Scalene, as
# you did in P1. Good advice comes from both: read what could happen, measure what does.
#
# **Where one machine ends.** Reading files is work that needs no other file, so it spreads by itself: a pool of processes on
# one machine, a CI job for each package, a Dask bag over a thousand repositories. What does not spread is the call graph
# across files; that is why CodeQL builds a database first.
#
# **Read on.** [`ast`](https://docs.python.org/3/library/ast.html) ·
# [`symtable`](https://docs.python.org/3/library/symtable.html) ·
# [`concurrent.futures`](https://docs.python.org/3/library/concurrent.futures.html)
#
# **A question to think about.** Your advisor reads its own source. What does it say of itself, and would it be faster if
# you did what it says?
