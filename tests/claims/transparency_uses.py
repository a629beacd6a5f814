"""The uses of the transparency table: what people do with values, one line of Python each.

A use is code that returns True; ``P(v)`` makes the carrier of `v`. The bare value must pass every
use itself (the control), so a use that fails says something about the carrier and nothing else.
Helper names the code may use are in transparency_run.py.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """One use of a value."""

    area: str
    title: str
    code: str
    control: str = "works"  # what the bare value does; "other" where the use is about carriers only


def _table(area: str, text: str) -> list[Use]:
    """Read lines of ``title :: code``; a ``!`` in front of the title: the control need not pass."""
    found = []
    for line in text.strip().splitlines():
        title, _, code = line.strip().partition(" :: ")
        control = "other" if title.startswith("!") else "works"
        found.append(Use(area, title.removeprefix("!"), code, control))
    return found


PYTHON = _table(
    "Python",
    """
isinstance of the value's type :: all(isinstance(P(v), type(v)) for v in (1, 1.5, 'a', [1], {1: 2}, (1,), {1}, b'x'))
type(p) is the value's type :: type(P(3)) is int
p is None, True, False, ... :: P(None) is None and P(True) is True and P(False) is False and P(...) is ...
truth of numbers and containers :: not P(0) and not P([]) and bool(P([0])) and not P('')
equality and order of two results :: P(3) == P(3) and not (P(3) != P(3)) and P(3) < P(4) and P(4) >= P(4)
equality with bare, hash :: 3 == P(3) and hash(P(3)) == hash(3) and hash(P('a')) == hash('a')
as key of a dict, member of a set :: {3: 1}[P(3)] == 1 and {'a': 1}[P('a')] == 1 and P('a') in {'a'}
integer arithmetic :: (P(7)+1, 1+P(7), P(7)-2, 2-P(7), P(7)*2, P(7)/2, P(7)//2, P(7)%4, P(7)**2, 2**P(7)) == (8, 8, 5, -5, 14, 3.5, 3, 3, 49, 128)
divmod, neg, abs, invert, shifts, bits :: (divmod(P(7), 2), -P(7), abs(P(-7)), ~P(7), P(7) << 1, P(7) & 3, P(4) | 1, P(6) ^ 3) == ((3, 1), -7, 7, -8, 14, 3, 5, 5)
pow with modulus :: pow(P(3), 4, 5) == 1
'a' + p :: 'a' + P('b') == 'ab'
p + 'a', p * 2 :: P('a') + 'b' == 'ab' and P('a') * 2 == 'aa'
[1] + p :: [1] + P([2]) == [1, 2]
(1,) + p :: (1,) + P((2,)) == (1, 2)
b'a' + p :: b'a' + P(b'b') == b'ab'
two results added :: P('a') + P('b') == 'ab' and P([1]) + P([2]) == [1, 2] and P((1,)) + P((2,)) == (1, 2)
p in 'abc' :: P('b') in 'abc'
'b' in p :: 'b' in P('abc') and 1 in P([1]) and 1 in P((1,)) and 'k' in P({'k': 1})
percent formatting :: '%d' % P(3) == '3' and '%s' % (P('x'),) == 'x' and P('%d') % 3 == '3'
f-strings and format :: f'{P(3.14159):.2f}' == '3.14' and format(P(255), 'x') == 'ff' and f'{P("a"):>3}' == '  a' and str(P(3)) == '3'
repr :: repr(P(3)) == '3' and repr(P([1])) == '[1]' and repr([P(3)]) == '[3]' and repr(P({'a': [1]})) == "{'a': [1]}"
p += 1 rebinds :: after('v = 1000; q = p = P(v); q += 1', 'q == 1001 and p == 1000')
','.join([p]) :: ','.join([P('a'), P('b')]) == 'a,b'
methods of str :: P(',').join(['a', 'b']) == 'a,b' and P('A').lower() == 'a' and P('a').encode() == b'a'
'abc'.startswith(p) :: 'abc'.startswith(P('a'))
'a-b'.split(p), replace(p, p) :: 'a-b'.split(P('-')) == ['a', 'b'] and 'aa'.replace(P('a'), P('b')) == 'bb'
b''.join([p]) :: b''.join([P(b'a')]) == b'a'
bytes(p), bytearray(p) :: bytes(P(b'ab')) == b'ab' and bytearray(P(b'a')) == b'a'
int, float, complex, round, floor, ceil of p :: int(P(3.7)) == 3 and float(P(3)) == 3.0 and complex(P(1.0)) == 1 and round(P(3.14159), 2) == 3.14 and math.floor(P(3.5)) == 3 and math.ceil(P(3.5)) == 4
int('12'), float('1.5') of a text result :: int(P('12')) == 12 and float(P('1.5')) == 1.5
math functions :: math.sqrt(P(4)) == 2 and math.gcd(P(4), P(6)) == 2 and math.isclose(P(1.0), P(1.0)) and math.fsum([P(1.0)]) == 1 and math.prod([P(2), P(3)]) == 6
sum, min, max, sorted :: sum([P(1), P(2)]) == 3 and max(P(1), P(2)) == 2 and sorted([P(2), P(1)]) == [1, 2]
chr, hex, to_bytes :: chr(P(65)) == 'A' and hex(P(255)) == '0xff' and P(1).to_bytes(2, 'big') == b'\\x00\\x01'
struct.pack of numbers :: struct.pack('<id', P(1), P(2.0)) == struct.pack('<id', 1, 2.0)
struct.pack of bytes :: struct.pack('2s', P(b'ab')) == b'ab'
index, slice and range with p :: [1, 2, 3][P(1)] == 2 and [1, 2, 3][P(1):] == [2, 3] and list(range(P(3))) == [0, 1, 2] and [1, 2, 3][slice(P(1), None)] == [2, 3]
index and slice of p :: P([1, 2, 3])[1:] == [2, 3] and P((1, 2))[0] == 1 and P('abc')[-1] == 'c' and P([1, 2])[P(0)] == 1
iterate and unpack :: after('a, b = P((1, 2)); x, *y = P([1, 2, 3])', '(a, b, x, y) == (1, 2, 1, [2, 3])')
*p and **p in a call :: (lambda a, b: (a, b))(*P((1, 2))) == (1, 2) and dict(**P({'k': 1})) == {'k': 1}
f(**{p: 1}) :: (lambda k: k)(**{P('k'): 1}) == 1
list, tuple, set, dict of p :: list(P((1, 2))) == [1, 2] and tuple(P([1])) == (1,) and set(P([1])) == {1} and dict(P({'a': 1})) == {'a': 1}
list.extend(p), dict.update(p) :: after('l = []; l.extend(P((1, 2))); d = {}; d.update(P({"a": 1}))', "l == [1, 2] and d == {'a': 1}")
set algebra :: {1} | P({2}) == {1, 2} and P({1, 2}) & {1} == {1} and {1}.union(P([2])) == {1, 2} and P({1}) <= {1, 2}
{'a': 1} | p :: {'a': 1} | P({'b': 2}) == {'a': 1, 'b': 2} and P({'a': 1}) | {'b': 2} == {'a': 1, 'b': 2}
get, keys, values, items :: P({'a': 1}).get('a') == 1 and P({}).get('b', 5) == 5 and list(P({'a': 1}).keys()) == ['a'] and list(P({'a': [1]}).values()) == [[1]] and list(P({'a': 1}).items()) == [('a', 1)]
keys() is a set-like view :: P({'a': 1, 'b': 2}).keys() & {'a'} == {'a'}
reversed :: list(reversed(P([1, 2]))) == [2, 1] and list(reversed(P((1, 2)))) == [2, 1] and list(reversed(P({1: 2}))) == [1]
list.index, count, copy :: P([1, 2]).index(2) == 1 and P([1, 1]).count(1) == 2 and P([1]).copy() == [1]
zip, map, enumerate, itertools :: list(zip(P([1]), P([2]))) == [(1, 2)] and list(itertools.chain(P([1]), P([2]))) == [1, 2] and list(map(str, P([1]))) == ['1']
defaultdict missing key leaves it alone :: after('import collections; d = P(collections.defaultdict(list, a=[1])); m = d["zz"]', 'list(m) == [] and d["a"] == [1]')
OrderedDict and Counter :: after('import collections; o = P(collections.OrderedDict(a=1)); c = P(collections.Counter("aab"))', 'list(o) == ["a"] and c["a"] == 2 and c["z"] == 0 and c.most_common(1) == [("a", 2)]')
namedtuple fields :: P(Pair(1, [2])).a == 1 and P(Pair(1, [2])).b == [2] and P(Pair(1, 2))._asdict() == {'a': 1, 'b': 2} and P(Pair(1, 2))._replace(a=5).a == 5
len of str, bytes, set, range :: (len(P('abc')), len(P(b'ab')), len(P({1})), len(P(range(4)))) == (3, 2, 1, 4)
frozenset :: P(frozenset({1})) | {2} == {1, 2} and 1 in P(frozenset({1})) and hash(P(frozenset({1}))) == hash(frozenset({1}))
bytearray :: P(bytearray(b'ab'))[0] == 97 and P(bytearray(b'ab')).hex() == '6162'
range :: list(P(range(3))) == [0, 1, 2] and P(range(3))[1] == 1
open(p) of a text result :: after('f = tempfile.mktemp(); open(P(f), "w").close()', 'os.path.exists(f)')
os.path.exists(p), os.stat(p) :: os.path.exists(P('/'))
os.path.join, basename, Path(p) :: os.path.join('a', P('b')) == os.path.join('a', 'b') and os.path.join(P('a'), 'b') == os.path.join('a', 'b') and os.path.basename(P('a/b')) == 'b' and pathlib.Path(P('a')).name == 'a'
pathlib.Path results :: after('d = pathlib.Path(tempfile.mkdtemp())', '(P(d) / "x").name == "x" and os.fspath(P(d)) == os.fspath(d) and P(d).exists()')
re.match(p, 'text') :: bool(re.match(P('a+'), 'aa'))
re.match('a+', p) :: bool(re.match('a+', P('aa')))
compiled pattern as result :: bool(P(re.compile('a+')).match('aa'))
json.dumps(int, float, str) :: [json.dumps(P(v)) for v in (1, 1.5, 'a')] == ['1', '1.5', '"a"']
json.dumps(list, dict) :: [json.dumps(P(v)) for v in ([1], {'a': 1})] == ['[1]', '{"a": 1}']
json.dumps(default=unwrap) :: json.dumps({'x': P([P(1), P('a')])}, default=unwrap) == '{"x": [1, "a"]}'
getattr and setattr with p as name :: getattr(Thing(1), P('x')) == 1
pickle gives an equal value :: all(pickle.loads(pickle.dumps(P(v))) == v for v in (1, 'a', [1], {'a': 1}, (1, 2), {1}, 1.5))
pickle protocol 2 :: pickle.loads(pickle.dumps(P([1]), 2)) == [1]
cloudpickle :: cloudpickle().loads(cloudpickle().dumps(P([1]))) == [1]
copy and deepcopy are free :: after('v = [1, [2]]; p = P(v); a = copy.copy(p); b = copy.deepcopy(p); b[1].append(3); a.append(1)', 'p == [1, [2]] and type(a) is list and type(b) is list')
match on classes :: matched(P(3)) == 'int 3' and matched(P(4)) == 'int' and matched(P('q')) == 'str' and matched(P(Thing(9))) == 9
match on sequences and mappings :: matched(P([1, 2])) == 3 and matched(P((1, 2))) == 3 and matched(P({'k': 5})) == 5
match None, True :: matched(P(None)) == 'none' and matched(P(True)) == 'true'
functools.singledispatch :: dispatched(P(3)) == 'int' and dispatched(P([])) == 'object'
is_dataclass, fields, asdict, replace :: after('p = P(Data())', "dataclasses.is_dataclass(p) and dataclasses.asdict(p) == {'a': 1, 'b': [1, 2]} and dataclasses.replace(p, a=2).a == 2 and len(dataclasses.fields(p)) == 2")
asdict of a dataclass that holds results :: dataclasses.asdict(Data(P(1), P([1]))) == {'a': 1, 'b': [1]}
a dataclass compared :: P(Data()) == Data() and Data() == P(Data())
attributes and methods of an object :: after('p = P(Thing(4))', 'isinstance(p, Thing) and p.x == 4 and p.double() == 8 and len(p) == 3')
with p as x :: after('with P(Thing(3)) as t: pass', 't.x == 3')
calling a function result :: P(lambda x, *, k=1: x + k)(2, k=3) == 5 and P(len)([1]) == 1
callable() tells the truth :: callable(P(len)) and not callable(P(3)) and not callable(P([]))
Iterable tells the truth :: isinstance(P([3]), abc.Iterable) and not isinstance(P(3), abc.Iterable) and not isinstance(P(1.5), abc.Sized)
Hashable tells the truth :: isinstance(P(3), abc.Hashable) and not isinstance(P([3]), abc.Hashable)
Sequence and Mapping tell the truth :: isinstance(P([3]), abc.Sequence) and isinstance(P({}), abc.Mapping) and not isinstance(P(3), abc.Sequence)
iter(int) raises :: raises(TypeError, lambda: iter(P(3))) and raises(TypeError, lambda: len(P(3)))
inspect.signature, __name__, __doc__ :: after('p = P(module_level)', "list(inspect.signature(p).parameters) == ['x'] and p.__name__ == 'module_level' and p.__doc__ == 'Doc.'")
inspect.isfunction :: inspect.isfunction(P(module_level))
functools.wraps, partial :: functools.partial(P(module_level), 3)() == 3 and functools.wraps(P(module_level))(lambda x: x).__name__ == 'module_level'
a class as result :: isinstance(P(Thing)(1), Thing) and issubclass(Thing, P(Thing)) and isinstance(Thing(1), P(Thing))
subclassing a class result :: after('class Sub(P(Thing)): pass', 'Sub(3).x == 3')
a module as result :: P(math).sqrt(4) == 2 and P(math).__name__ == 'math'
an exception as value :: isinstance(P(ValueError('x')), ValueError) and P(ValueError('x')).args == ('x',) and str(P(ValueError('x'))) == 'x'
raise p :: after('try: raise P(ValueError("x"))\\nexcept ValueError: ok = True', 'ok')
an enum member :: P(Colour.RED).name == 'RED' and P(Colour.RED) == Colour.RED
enum member by `is` :: P(Colour.RED) is Colour.RED
weakref.ref(p) :: after('p = P(Thing(1)); r = weakref.ref(p)', 'r() is p')
exec, eval, compile of text :: eval(P('1+1')) == 2
time.sleep, date, random.seed :: after('import time; time.sleep(P(0)); random.seed(P(3)); a = random.random(); random.seed(3)', 'a == random.random() and datetime.date(P(2020), 1, 1).year == 2020')
timedelta(seconds=p) :: datetime.timedelta(seconds=P(1)).seconds == 1
datetime results :: P(datetime.datetime(2020, 1, 2)) - datetime.datetime(2020, 1, 1) == datetime.timedelta(days=1) and P(datetime.date(2020, 1, 1)).year == 2020
Decimal and Fraction results :: P(decimal.Decimal('1.5')) * 2 == 3 and P(fractions.Fraction(1, 2)) + 1 == 1.5
Decimal(p_int), Fraction(p_int) :: decimal.Decimal(P(3)) == 3
hashlib of bytes :: hashlib.sha256(P(b'a')).hexdigest() == hashlib.sha256(b'a').hexdigest()
memoryview(p), BytesIO(p) :: bytes(memoryview(P(b'ab'))) == b'ab' and io.BytesIO(P(b'x')).read() == b'x'
StringIO.write(p) :: after('s = io.StringIO(); s.write(P("a"))', "s.getvalue() == 'a'")
print(p) :: after('s = io.StringIO(); print(P("a"), P(1), file=s)', "s.getvalue() == 'a 1\\\\n'")
subprocess.run([p]) :: subprocess.run(['echo', P('hi')], capture_output=True).stdout == b'hi\\n'
os.environ[k] = p :: after('os.environ["ZZ"] = P("v")', 'os.environ["ZZ"] == "v"')
sqlite3 parameter :: sqlite3.connect(':memory:').execute('select ?', (P(3),)).fetchone()[0] == 3
pprint :: pprint.pformat(P({'a': 1})) == "{'a': 1}" and pprint.pformat(P([1, 2])) == '[1, 2]'
string.Template, textwrap :: string.Template('$a').substitute(a=P('x')) == 'x' and string.Template('$a').substitute(P({'a': 1})) == '1'
logging arguments :: (logging.LogRecord('n', 10, '', 0, '%s %d', (P('a'), P(3)), None)).getMessage() == 'a 3'
collections.deque, ChainMap :: list(collections.deque(P([1, 2]))) == [1, 2] and collections.ChainMap({}, P({'a': 1}))['a'] == 1
Counter(p), Counter.update(p) :: collections.Counter(P('aab'))['a'] == 2 and collections.Counter(P(['x']))['x'] == 1
bisect, heapq :: bisect.bisect(P([1, 3]), 2) == 1 and heapq.nsmallest(1, P([3, 1])) == [1]
statistics :: statistics.mean(P([1, 2, 3])) == 2 and statistics.mean([P(1), P(3)]) == 2
operator.itemgetter, attrgetter :: operator.itemgetter(0)(P([5])) == 5 and operator.attrgetter('x')(P(Thing(2))) == 2 and operator.index(P(3)) == 3
csv.writer row :: after('s = io.StringIO(); csv.writer(s).writerow(P([1, "a"]))', "s.getvalue() == '1,a\\\\r\\\\n'")
concurrent.futures in threads :: concurrent.futures.ThreadPoolExecutor(2).submit(len, P([1])).result() == 1
await a coroutine function result :: asyncio.run(P(acoro)()) == 5
networkx node key :: after('import networkx as nx; g = nx.DiGraph(); g.add_edge(P("a"), P("b"))', '"a" in g and g.number_of_nodes() == 2')
type(p)(...) makes another :: type(P([1]))([2]) == [2] and type(P({}))(a=1) == {'a': 1} and P([1]).__class__((3,)) == [3]
vars, dir, hasattr :: after('p = P(Thing(1))', "vars(p) == {'x': 1} and 'double' in dir(p) and hasattr(p, 'x') and not hasattr(p, 'zz')")
ctypes :: ctypes.c_int(P(3)).value == 3 and ctypes.c_double(P(3.0)).value == 3
""",
)

PROTECTION = _table(
    "Protection",
    """
!list += leaves the cache alone :: after('v = [1]; p = P(v); q = p; q += [2]', 'q == [1, 2] and p == [1] and v == [1]')
ndarray += leaves the cache alone :: after('p = P(np.zeros(3)); q = p.copy(); q += 1', 'eq(p, [0, 0, 0]) and eq(q, [1, 1, 1])')
!ndarray p += gives a bare copy :: after('p = P(np.zeros(3)); q = p; q += 1', 'eq(p, [0, 0, 0]) and eq(q, [1, 1, 1]) and cid(q) is None')
!item assignment raises :: all(raises((TypeError, ValueError), lambda v=v: P(v).__setitem__(0, 9)) for v in ([1], {0: 1}, np.zeros(2)))
!list mutators raise :: all(raises(TypeError, lambda n=n, a=a: getattr(P([1]), n)(*a)) for n, a in (('append', (1,)), ('extend', ([1],)), ('pop', ()), ('clear', ()), ('sort', ()), ('reverse', ()), ('insert', (0, 1)), ('remove', (1,))))
!dict mutators raise :: all(raises(TypeError, lambda n=n, a=a: getattr(P({1: 2}), n)(*a)) for n, a in (('update', ({},)), ('pop', (1,)), ('popitem', ()), ('clear', ()), ('setdefault', (3, 4))))
!set mutators raise :: all(raises(TypeError, lambda n=n, a=a: getattr(P({1}), n)(*a)) for n, a in (('add', (2,)), ('remove', (1,)), ('discard', (1,)), ('clear', ()), ('update', ({2},))))
!del p[0] raises :: raises((TypeError, ValueError), lambda: P([1]).__delitem__(0))
!attribute assignment does not reach the cache :: after('v = Thing(1); p = P(v)\\ntry: p.x = 2\\nexcept TypeError: pass', 'v.x == 1')
!np out= refused :: after('p = P(np.zeros(3)); bad = raises((TypeError, ValueError), lambda: np.add(np.ones(3), 1, out=p))', 'bad and eq(p, [0, 0, 0])')
!np.copyto, fill, sort, put refused :: after('p = P(np.arange(3.)[::-1]); bad = [raises((TypeError, ValueError), f) for f in (lambda: np.copyto(p, 1), lambda: p.fill(1), lambda: p.sort(), lambda: np.put(p, 0, 9), lambda: np.add.at(p, 0, 1))]', 'all(bad) and eq(p, [2, 1, 0])')
!setflags(write=True) refused :: raises((TypeError, ValueError), lambda: P(np.zeros(2)).setflags(write=True)) and raises((TypeError, ValueError), lambda: setattr(np.asarray(P(np.zeros(2))).flags, 'writeable', True))
!shuffle in place refused :: after('p = P(np.arange(9)); bad = raises((TypeError, ValueError), lambda: np.random.default_rng(0).shuffle(p))', 'bad and eq(p, np.arange(9))')
!the caller's own array stays writable :: after('v = np.zeros(3); p = P(v); v[0] = 5', 'v[0] == 5 and p[0] == 0')
!an inner list is protected :: after('p = P({"a": [1]}); x = p["a"]\\ntry: x.append(2)\\nexcept TypeError: pass', 'p["a"] == [1] and p == {"a": [1]}')
!p + [..] shares nothing that can change :: after('p = P([[1]]); q = p + [[2]]\\ntry: q[0].append(9)\\nexcept TypeError: pass', 'p == [[1]]')
!unwrap(p) shares no container :: after('p = P({"a": [1]}); q = unwrap(p); q["a"].append(2); q["b"] = 1', 'p == {"a": [1]}')
!tensor in-place does not reach the cache :: after('v = torch().zeros(2); p = P(v)\\ntry: p.add_(1)\\nexcept TypeError: pass\\ntry: torch().add(torch().ones(2), 1, out=p)\\nexcept TypeError: pass', 'bool((v == 0).all())')
!tensor in-place raises :: after('p = P(torch().zeros(2)); bad = [raises(TypeError, f) for f in (lambda: p.add_(1), lambda: p.__setitem__(0, 1), lambda: torch().add(torch().ones(2), 1, out=p), lambda: torch().relu_(p), lambda: p.zero_())]', 'all(bad) and bool((p == 0).all())')
!tensor += leaves the cache alone :: after('v = torch().zeros(2); q = P(v); q += 1', 'bool((v == 0).all()) and bool((q == 1).all()) and cid(q) is None')
!tensor.numpy() does not reach the cache :: after('v = torch().zeros(2)\\ntry: P(v).numpy()[0] = 1\\nexcept ValueError: pass', 'bool((v == 0).all())')
!frame assignment refused :: after('import pandas as pd; p = P(pd.DataFrame({"a": [1]})); bad = [raises(TypeError, f) for f in (lambda: p.__setitem__("b", 1), lambda: p.insert(0, "z", 1), lambda: p.loc.__setitem__((0, "a"), 5), lambda: p.drop(columns="a", inplace=True))]', 'all(bad) and list(p.columns) == ["a"] and p["a"][0] == 1')
!polars frame is not changed :: after('import polars as pl; p = P(pl.DataFrame({"a": [1]}))\\ntry: p.insert_column(0, pl.Series("b", [1]))\\nexcept TypeError: pass', 'p.columns == ["a"]')
""",
)

NUMPY = _table(
    "NumPy",
    """
isinstance ndarray :: isinstance(P(np.zeros(2)), np.ndarray)
np.asarray shares memory :: np.asarray(P(np.zeros(2))).shape == (2,)
np.add, np.sin, p + p, 1 + p, array + p :: after('v = np.arange(3.)', 'eq(np.add(P(v), 1), v + 1) and eq(np.sin(P(v)), np.sin(v)) and eq(P(v) + P(v), 2 * v) and eq(1 + P(v), v + 1) and type(v + P(v)) is np.ndarray')
ufunc results are plain arrays :: type(np.add(P(np.arange(3.)), 1)) is np.ndarray and type(P(np.arange(3.)) * 2) is np.ndarray
reduce, outer, accumulate :: np.add.reduce(P(np.arange(3.))) == 3 and np.add.outer(P(np.arange(2.)), P(np.arange(2.))).shape == (2, 2) and eq(np.add.accumulate(P(np.ones(2))), [1, 2])
concatenate, stack, where :: after('v = np.arange(3.)', 'eq(np.concatenate([P(v), v]), np.concatenate([v, v])) and eq(np.stack([P(v), P(v)]), np.stack([v, v])) and eq(np.where(P(v) > 1, P(v), 0), np.where(v > 1, v, 0))')
linear algebra, dot, @, einsum :: after('v = np.eye(2) * 2', "eq(np.linalg.inv(P(v)), np.linalg.inv(v)) and eq(P(v) @ P(v), v @ v) and eq(v @ P(v), v @ v) and eq(np.dot(v, P(v)), v @ v) and eq(np.einsum('ij,jk', P(v), v), v @ v)")
mean, sort, median, argmax :: P(np.arange(3.)).mean() == 1 and np.mean(P(np.arange(3.))) == 1 and np.sort(P(np.arange(3.)))[0] == 0 and np.median(P(np.arange(3.))) == 1 and P(np.arange(3.)).argmax() == 2
comparisons give arrays :: type(P(np.arange(3)) > 1) is np.ndarray and eq(P(np.arange(3)) == np.arange(3), [True] * 3)
v[p] with int, mask, index array :: after('v = np.arange(5.)', 'v[P(1)] == 1 and eq(v[P(np.array([0, 1]))], v[:2]) and eq(v[P(v > 2)], v[v > 2])')
v[1, p], v[p_tuple] :: after('v = np.arange(6).reshape(2, 3)', 'v[1, P(2)] == 5')
v[p] with a tuple result :: np.arange(6).reshape(2, 3)[P((1, 2))] == 5
p[0], p[1:], p[mask], p[p], p[..., None] :: after('v = np.arange(5.)', 'P(v)[1] == 1 and eq(P(v)[1:], v[1:]) and eq(P(v)[v > 2], v[v > 2]) and P(v)[P(1)] == 1 and P(v)[..., None].shape == (5, 1)')
dst[:] = p, dst[0] = p :: after('d = np.zeros(3); d[:] = P(np.arange(3.)); d[0] = P(7.0)', 'eq(d, [7, 1, 2])')
np.array([p, p]) keeps the dtype :: np.array([P(1.0), P(2.0)]).dtype == np.float64 and np.array([P(1)]).dtype.kind == 'i'
np.array of texts keeps the dtype :: np.array([P('ab'), P('c')]).dtype.kind == 'U'
np.array([p_array, p_array]) :: np.array([P(np.ones(2)), P(np.ones(2))]).shape == (2, 2)
np.array(p_list), nested :: np.array(P([[1, 2], [3, 4]])).shape == (2, 2) and np.array(P([1.0])).dtype == np.float64
np.full, np.zeros(p), reshape(p, p) :: np.full(3, P(2.0)).dtype == np.float64 and np.zeros(P((2, 3))).shape == (2, 3) and np.zeros(P(3)).shape == (3,) and np.arange(6).reshape(P(2), P(3)).shape == (2, 3)
np.arange, np.linspace with p :: len(np.arange(P(3))) == 3 and np.linspace(P(0.0), P(1.0), P(3)).dtype == np.float64
array * p, p * array :: after('v = np.arange(3.); r = v * P(2.0); s = P(2.0) * v', 'eq(r, v * 2) and r.dtype == np.float64 and eq(s, v * 2) and np.float64(2) * P(3.0) == 6')
float32 array * p stays float32 :: (np.ones(3, 'f4') * P(2.0)).dtype == np.float32 and (P(2.0) * np.ones(3, 'f4')).dtype == np.float32
float16, int8 arrays with p stay :: (np.ones(2, 'f2') + P(1.5)).dtype == np.float16 and (np.ones(2, 'i1') + P(1)).dtype == np.int8
np.float64 and 0-d results :: after('p = P(np.array(3.0)); q = P(np.float64(2.5))', 'float(p) == 3 and q + 1 == 3.5 and isinstance(q, float) and np.sqrt(q) > 1 and p.ndim == 0 and int(p) == 3')
memoryview(p_array) :: bytes(memoryview(P(np.zeros(2, 'u1')))) == b'\\x00\\x00'
np.frombuffer(p_bytes) :: eq(np.frombuffer(P(b'ab'), 'u1'), [97, 98])
np.save, savez, load :: after('b = io.BytesIO(); np.save(b, P(np.arange(3))); b.seek(0); c = io.BytesIO(); np.savez(c, a=P(np.arange(3)))', 'eq(np.load(b), [0, 1, 2])')
tobytes, ctypes, __array_interface__ :: after('p = P(np.arange(3.))', "len(p.tobytes()) == 24 and p.__array_interface__['shape'] == (3,) and p.ctypes.data > 0")
np.from_dlpack(p) :: eq(np.from_dlpack(P(np.arange(3.))), [0, 1, 2])
np.testing, array_equal :: np.testing.assert_allclose(P(np.ones(2)), np.ones(2)) is None and np.array_equal(P(np.ones(2)), P(np.ones(2)))
rng.choice(p), default_rng(p) :: np.random.default_rng(0).choice(P(np.arange(5))) in range(5) and np.random.default_rng(P(3)).random() == np.random.default_rng(3).random()
np.isscalar(p) :: np.isscalar(P(3))
issubdtype(p.dtype) :: np.issubdtype(P(np.ones(1)).dtype, np.floating)
iteration, len, tolist, unpack :: after('a, b = P(np.array([1, 2]))', 'a == 1 and P(np.ones((2, 2))).tolist() == [[1, 1], [1, 1]] and len(P(np.ones(4))) == 4 and [len(r) for r in P(np.ones((2, 3)))] == [3, 3]')
view, reshape, T, real, flat, astype :: after('p = P(np.arange(6.))', "p.reshape(2, 3).T.shape == (3, 2) and p.view('u1').size == 48 and p.astype('f4').dtype == np.float32 and list(p.flat)[1] == 1")
vectorize, fft, apply_along_axis :: eq(np.fft.fft(P(np.ones(4))), np.fft.fft(np.ones(4))) and eq(np.vectorize(lambda x: x + 1)(P(np.ones(2))), [2, 2]) and eq(np.apply_along_axis(np.sum, 0, P(np.ones((2, 2)))), [2, 2])
pickle of an array :: eq(pickle.loads(pickle.dumps(P(np.arange(3)))), [0, 1, 2])
copy and deepcopy are writable :: after('a = copy.copy(P(np.zeros(2))); b = copy.deepcopy(P(np.zeros(2))); a[0] = 1; b[0] = 1', 'type(a) is np.ndarray and a[0] == 1')
bool of a size-1 array, if p.any() :: bool(P(np.array([1]))) and P(np.array([0, 1])).any()
structured array fields :: P(np.array([(1, 2.0)], dtype=[('a', 'i4'), ('b', 'f8')]))['a'][0] == 1
complex, datetime64, strings :: P(np.array([1j])).imag[0] == 1 and P(np.array(['2020-01-01'], 'M8[D]'))[0] == np.datetime64('2020-01-01') and P(np.array(['a']))[0] == 'a'
masked array :: P(np.ma.array([1, 2], mask=[0, 1])).sum() == 1
np.isin, unique, searchsorted, histogram :: np.isin(1, P(np.arange(3))) and len(np.unique(P(np.array([1, 1])))) == 1 and np.searchsorted(P(np.arange(3)), 1) == 1 and np.histogram(P(np.arange(3.)), bins=P(3))[0].sum() == 3
np.max(p, axis=p) :: eq(np.max(P(np.ones((2, 3))), axis=P(0)), [1, 1, 1]) and P(np.ones((2, 3))).sum(axis=P(1)).shape == (2,)
np.ix_, meshgrid, broadcast :: np.meshgrid(P(np.arange(2)), P(np.arange(3)))[0].shape == (3, 2) and np.broadcast_to(P(np.ones(2)), (3, 2)).shape == (3, 2)
""",
)

TORCH = _table(
    "torch",
    """
isinstance Tensor, is_tensor :: after('p = P(torch().ones(2))', 'isinstance(p, torch().Tensor) and torch().is_tensor(p)')
shape, dtype, device, len, numel, ndim :: after('p = P(torch().ones(2, 3))', "tuple(p.shape) == (2, 3) and p.dtype == torch().float32 and p.device.type == 'cpu' and len(p) == 2 and p.numel() == 6 and p.ndim == 2 and p.size(1) == 3")
torch.add, p + p, t + p, 2 * p, p @ p, t @ p :: after('t = torch().eye(2)', 'bool((torch().add(P(t), 1) == t + 1).all()) and bool((P(t) + P(t) == 2 * t).all()) and bool((t + P(t) == 2 * t).all()) and bool((2 * P(t) == 2 * t).all()) and bool((P(t) @ P(t) == t).all()) and bool((t @ P(t) == t).all())')
operations give plain tensors :: type(P(torch().ones(2)) + 1) is torch().Tensor and type(P(torch().ones(2)).sum()) is torch().Tensor
stack, cat :: torch().stack([P(torch().ones(2)), torch().ones(2)]).shape == (2, 2) and torch().cat([P(torch().ones(2)), P(torch().ones(2))]).shape == (4,)
nn.Linear(p) :: torch().nn.Linear(2, 3)(P(torch().ones(1, 2))).shape == (1, 3)
F.relu, softmax, cross_entropy :: after('F = torch().nn.functional; t = torch().randn(4, 3)', 'F.relu(P(t)).shape == (4, 3) and F.softmax(P(t), dim=P(1)).shape == (4, 3) and F.cross_entropy(P(t), P(torch().zeros(4, dtype=torch().long))).dim() == 0')
numbers as dim, size, shape :: torch().zeros(P(2), P(3)).shape == (2, 3) and torch().ones(6).reshape(P(2), P(3)).shape == (2, 3) and torch().ones(2, 3).sum(dim=P(1)).shape == (2,)
torch.zeros(p_tuple) :: torch().zeros(P((2, 3))).shape == (2, 3)
t * p_float, t + p_int :: float((torch().ones(2) * P(2.0)).sum()) == 4 and float((torch().ones(2) + P(1)).sum()) == 4
torch.add(t, p_float) :: float(torch().add(torch().ones(2), P(2.0)).sum()) == 6
SGD(lr=p).step() :: after('w = torch().nn.Parameter(torch().ones(2)); w.sum().backward(); torch().optim.SGD([w], lr=P(0.5)).step()', 'float(w.detach()[0]) == 0.5')
results as constants in a graph :: after('w = torch().ones(2, requires_grad=True); (w * P(torch().full((2,), 3.0))).sum().backward()', 'bool((w.grad == 3).all())')
backward of a computed loss :: after('w = torch().ones(2, requires_grad=True); ((w - P(torch().zeros(2))) ** 2).sum().backward()', 'bool((w.grad == 2).all())')
nn.Parameter(p) :: torch().nn.Parameter(P(torch().ones(2))).shape == (2,)
torch.from_numpy(p_array) :: torch().from_numpy(P(np.ones(2))).shape == (2,)
torch.as_tensor(p_array), torch.tensor(p_array) :: torch().as_tensor(P(np.ones(2))).shape == (2,) and torch().tensor(P(np.ones(2))).shape == (2,)
torch.tensor(p_list), ([p_float]) :: torch().tensor(P([1., 2.])).shape == (2,) and torch().tensor([P(1.0)]).shape == (1,)
torch.tensor(p_tensor), clone, detach :: torch().as_tensor(P(torch().ones(2))).shape == (2,) and P(torch().ones(2)).clone().shape == (2,) and P(torch().ones(2)).detach().shape == (2,)
torch.tensor([p_0d]) :: float(torch().tensor([P(torch().tensor(2.0))])[0]) == 2
np.asarray(p), p.numpy(), tolist, item :: eq(np.asarray(P(torch().ones(2))), [1, 1]) and eq(P(torch().ones(2)).numpy(), [1, 1]) and P(torch().ones(2)).tolist() == [1, 1] and P(torch().tensor(3)).item() == 3
from_dlpack :: torch().from_dlpack(P(torch().ones(2))).shape == (2,)
t[p] with tensor, int, mask; p[0] :: after('t = torch().arange(4)', 'int(t[P(1)]) == 1 and t[P(torch().tensor([0, 1]))].shape == (2,) and t[P(t > 1)].shape == (2,) and int(P(t)[1]) == 1 and [int(x) for x in P(t)] == [0, 1, 2, 3]')
dst[:] = p, dst.copy_(p) :: after('d = torch().zeros(2); d[:] = P(torch().ones(2)); d.copy_(P(torch().ones(2) * 2))', 'bool((d == 2).all())')
t.data = p :: after('t = torch().zeros(2); t.data = P(torch().ones(2))', 'bool((t == 1).all())')
t.grad = p :: after('t = torch().zeros(2, requires_grad=True); t.grad = P(torch().ones(2))', 'bool((t.grad == 1).all())')
DataLoader(TensorDataset(p)) :: after('from torch.utils.data import DataLoader, TensorDataset', '[b[0].shape[0] for b in DataLoader(TensorDataset(P(torch().ones(4, 2))), batch_size=2)] == [2, 2]')
DataLoader(p_list) :: after('from torch.utils.data import DataLoader', 'len(list(DataLoader(P([1, 2, 3, 4]), batch_size=2))) == 2')
default_collate([p, p]) :: after('from torch.utils.data import default_collate', 'default_collate([P(torch().ones(2)), P(torch().ones(2))]).shape == (2, 2)')
default_collate of a dict result :: after('from torch.utils.data import default_collate', "default_collate([P({'x': 1}), P({'x': 2})])['x'].shape == (2,)")
nn.Module result: call, parameters, state_dict :: after('m = P(torch().nn.Linear(2, 3))', 'm(torch().ones(1, 2)).shape == (1, 3) and len(list(m.parameters())) == 2 and len(m.state_dict()) == 2 and isinstance(m, torch().nn.Module)')
nn.Sequential(p) :: after('s = torch().nn.Sequential(P(torch().nn.Linear(2, 3)), torch().nn.ReLU())', 's(torch().ones(1, 2)).shape == (1, 3) and len(list(s.parameters())) == 2')
load_state_dict(p) :: after('m = torch().nn.Linear(2, 3)', "len(m.load_state_dict(P(dict(torch().nn.Linear(2, 3).state_dict())))[0]) == 0")
load_state_dict of tensor results :: after('m = torch().nn.Linear(2, 3)', 'len(m.load_state_dict({k: P(v) for k, v in m.state_dict().items()})[0]) == 0')
torch.save, torch.load :: after('b = io.BytesIO(); torch().save(P(torch().ones(2)), b); b.seek(0)', 'torch().load(b, weights_only=False).shape == (2,)')
torch.save in a dict, load(weights_only=True) :: after('b = io.BytesIO(); torch().save({"w": P(torch().ones(2))}, b); b.seek(0)', "torch().load(b, weights_only=True)['w'].shape == (2,)")
vmap :: torch().vmap(lambda x: x * 2)(P(torch().ones(3))).shape == (3,)
func.grad at p :: torch().func.grad(lambda x: (x ** 2).sum())(P(torch().ones(2))).shape == (2,)
torch.compile(f)(p) :: bool((torch().compile(lambda x: x * 2 + 1, backend='eager')(P(torch().ones(2))) == 3).all())
jit.trace(f, p) :: torch().jit.trace(lambda x: x * 2, P(torch().ones(2)))(torch().ones(2)).shape == (2,)
equal, allclose, assert_close :: torch().equal(P(torch().ones(2)), torch().ones(2)) and torch().allclose(P(torch().ones(2)), P(torch().ones(2))) and torch().testing.assert_close(P(torch().ones(2)), torch().ones(2)) is None
to, float, half, item, T, view :: after('p = P(torch().ones(2, 3))', 'p.to(torch().float64).dtype == torch().float64 and p.half().dtype == torch().float16 and p.T.shape == (3, 2) and p.view(-1).shape == (6,) and p.sum().item() == 6')
manual_seed(p) :: torch().manual_seed(P(3)) is not None
pickle, deepcopy of a tensor :: pickle.loads(pickle.dumps(P(torch().ones(2)))).shape == (2,) and copy.deepcopy(P(torch().ones(2))).shape == (2,)
format and repr :: f"{P(torch().tensor(1.5)):.2f}" == '1.50' and repr(P(torch().ones(2))) == repr(torch().ones(2))
bool, float, int, index of 0-d :: bool(P(torch().tensor(1))) and float(P(torch().tensor(1.5))) == 1.5 and int(P(torch().tensor(2))) == 2 and [1, 2][P(torch().tensor(1))] == 2
hash and dict key by identity :: after('p = P(torch().ones(2))', '{p: 1}[p] == 1')
empty_like, zeros_like, where, einsum :: torch().zeros_like(P(torch().ones(2))).device.type == 'cpu' and torch().where(P(torch().ones(2)) > 0, P(torch().ones(2)), 0.0).shape == (2,) and torch().einsum('i,i', P(torch().ones(2)), P(torch().ones(2))).item() == 2
untyped_storage, data_ptr :: P(torch().ones(2)).untyped_storage().nbytes() == 8 and P(torch().ones(2)).data_ptr() > 0
clip_grad_norm_, EMA of parameters :: after('w = torch().nn.Parameter(torch().ones(2)); w.sum().backward(); torch().nn.utils.clip_grad_norm_([w], P(0.1)); a = torch().zeros(2); a.lerp_(P(torch().ones(2)), 0.5)', 'float(a[0]) == 0.5')
bfloat16 and integer tensors :: P(torch().ones(2, dtype=torch().bfloat16)).sum().item() == 2 and P(torch().arange(3)).max().item() == 2
torch.Tensor(p), new_tensor(p) :: torch().zeros(1).new_tensor(P(torch().ones(2))).shape == (2,)
scatter, index_select, gather with p :: torch().arange(4).index_select(0, P(torch().tensor([1]))).item() == 1 and torch().arange(4).gather(0, P(torch().tensor([2]))).item() == 2
autocast, no_grad, inference_mode :: after('with torch().inference_mode(): y = P(torch().ones(2)) * 2', 'y.shape == (2,)')
a Parameter result :: after('p = P(torch().nn.Parameter(torch().ones(2)))', 'p.requires_grad and isinstance(p, torch().Tensor) and p.shape == (2,)')
""",
)

FRAMES = _table(
    "Frames and science",
    """
pandas: columns, loc, merge, concat, groupby :: after('import pandas as pd; d = pd.DataFrame({"a": [1, 2], "b": [3, 4]}); p = P(d)', "p['a'].sum() == 3 and p.loc[0, 'b'] == 3 and p.iloc[1, 0] == 2 and d.merge(p, on='a').shape == (2, 3) and pd.concat([p, p]).shape == (4, 2) and p.groupby('a').sum().shape == (2, 1)")
pandas: DataFrame(p_array), (p_dict), (p_frame), Series(p) :: after('import pandas as pd', "pd.DataFrame(P(np.ones((2, 2)))).shape == (2, 2) and pd.DataFrame(P({'a': [1]})).shape == (1, 1) and pd.DataFrame(P(pd.DataFrame({'a': [1]}))).shape == (1, 1) and pd.Series(P([1, 2])).sum() == 3")
pandas: df['c'] = array, series results :: after('import pandas as pd; d = pd.DataFrame({"a": [1, 2]}); d["c"] = P(np.ones(2)); d["e"] = P(pd.Series([1, 2]))', "d['c'].dtype == float and d['e'].dtype.kind == 'i'")
pandas: df['c'] = float result :: after('import pandas as pd; d = pd.DataFrame({"a": [1, 2]}); d["f"] = P(2.0)', "d['f'].dtype == float")
pandas: arithmetic, np.log :: after('import pandas as pd; d = pd.DataFrame({"a": [1., 2.]})', "(d + P(d)).shape == (2, 1) and type(np.log(P(d))) is pd.DataFrame and (P(d) * 2)['a'].sum() == 6")
pandas: series * p_float :: after('import pandas as pd', "(pd.Series([1., 2.]) * P(2.0)).sum() == 6")
pandas: keys by result :: after('import pandas as pd; d = pd.DataFrame({"a": [1, 2]})', "d[P('a')].sum() == 3 and d.loc[P(1), P('a')] == 2 and d[P(['a'])].shape == (2, 1)")
pandas: repr_html, to_csv, pickle, query :: after('import pandas as pd; p = P(pd.DataFrame({"a": [1, 2]}))', "'<table' in p._repr_html_() and 'a' in p.to_csv() and pickle.loads(pickle.dumps(p)).shape == (2, 1) and p.query('a > 1').shape == (1, 1)")
pandas: methods keep working :: after('import pandas as pd; p = P(pd.DataFrame({"a": [1, None]}))', "p.fillna(0)['a'].sum() == 1 and p.dropna().shape == (1, 1) and p.rename(columns={'a': 'b'}).columns[0] == 'b' and p.describe().shape == (8, 1) and len(p) == 2")
polars: select, filter, join, concat :: after('import polars as pl; d = pl.DataFrame({"a": [1, 2], "b": [3, 4]}); p = P(d)', "p.select('a').shape == (2, 1) and p.filter(pl.col('a') > 1).shape == (1, 2)")
polars: d.join(p), concat([p, d]) :: after('import polars as pl; d = pl.DataFrame({"a": [1, 2]})', "d.join(P(d), on='a').shape == (2, 1) and pl.concat([P(d), d]).shape == (4, 1)")
polars: pl.col > p_int :: after('import polars as pl', "pl.DataFrame({'a': [1, 5]}).filter(pl.col('a') > P(3)).shape == (1, 1)")
polars: DataFrame(p_dict) :: after('import polars as pl', "pl.DataFrame(P({'a': [1]})).shape == (1, 1)")
scipy.sparse: p @ v, v @ p, issparse :: after('import scipy.sparse as sp; p = P(sp.csr_array(np.eye(3))); v = np.ones(3)', "eq(p @ v, v) and eq(v @ p, v) and sp.issparse(p) and p.nnz == 3")
scipy.sparse: A + p, A @ p :: after('import scipy.sparse as sp; A = sp.csr_array(np.eye(3))', '(A @ P(A)).nnz == 3 and (A + P(A)).nnz == 3')
scipy: spsolve(p), csr_array(p_dense), describe(p) :: after('import scipy.sparse as sp, scipy.sparse.linalg as sl, scipy.stats as st; A = sp.csr_array(np.eye(5))', 'sp.csr_array(P(np.eye(3))).nnz == 3 and st.describe(P(np.arange(5.))).mean == 2 and eq(sl.spsolve(P(A), np.ones(5)), np.ones(5))')
scipy: linalg, optimize, ndimage :: after('import scipy.linalg as la, scipy.optimize as so, scipy.ndimage as nd', 'eq(la.inv(P(np.eye(2))), np.eye(2)) and so.minimize(lambda x: (x ** 2).sum(), P(np.ones(2))).success and nd.gaussian_filter(P(np.ones((3, 3))), P(1.0)).shape == (3, 3)')
h5py: dataset from p, ds[:] = p, ds[p] :: after('import h5py; f = h5py.File(tempfile.mktemp(), "w"); d = f.create_dataset("x", data=P(np.arange(3.))); d[:] = P(np.ones(3)); f.attrs["k"] = P(3)', "d[P(0)] == 1 and f.attrs['k'] == 3")
h5py: attrs[k] = text result :: after('import h5py; f = h5py.File(tempfile.mktemp(), "w"); f.attrs["s"] = P("a")', "f.attrs['s'] == 'a'")
zarr: arr[:] = p :: after('import zarr; z = zarr.create_array(store={}, shape=(3,), dtype="f8", chunks=(3,)); z[:] = P(np.arange(3.))', 'z[:][1] == 1')
joblib: dump, load :: after('import joblib; f = tempfile.mktemp(); joblib.dump(P(np.ones(3)), f)', 'eq(joblib.load(f), [1, 1, 1])')
joblib: hash(p) == hash(v) :: after('import joblib', 'joblib.hash(P(np.ones(3))) == joblib.hash(np.ones(3))')
sklearn: fit(p, p), predict(p) :: after('from sklearn.linear_model import LinearRegression; X = np.random.default_rng(0).random((20, 2)); m = LinearRegression().fit(P(X), P(X[:, 0]))', 'm.predict(P(X)).shape == (20,)')
sklearn: a model as result :: after('from sklearn.linear_model import LinearRegression; X = np.random.default_rng(0).random((20, 2)); m = P(LinearRegression().fit(X, X[:, 0]))', 'm.predict(X).shape == (20,)')
sklearn: parameters by result :: after('from sklearn.linear_model import Ridge; X = np.random.default_rng(0).random((20, 2)); m = Ridge(alpha=P(1.0)).fit(X, X[:, 0])', 'm.predict(X).shape == (20,)')
matplotlib: plot, imshow, hist, title :: after('import matplotlib; matplotlib.use("Agg"); import matplotlib.pyplot as plt; f, a = plt.subplots(); a.plot(P(np.arange(3)), P([1, 2, 3])); a.imshow(P(np.eye(3))); a.hist(P(np.arange(3.))); a.set_title(P("t")); f.canvas.draw(); plt.close(f)', 'True')
""",
)

CARRIERS = _table(
    "Provenance",
    """
!carries a CID :: all(cid(P(v)) is not None for v in (1000, 's', 1.5, [1], {1: 2}, (1,), np.ones(1)))
!an object carries a CID :: cid(P(Thing(1))) is not None and cid(P(Data())) is not None
!a tensor carries a CID :: cid(P(torch().ones(2))) is not None
!a frame carries a CID :: after('import pandas as pd', "cid(P(pd.DataFrame({'a': [1]}))) is not None")
!a function carries a CID :: cid(P(module_level)) is not None
!one object, two calls, two CIDs :: after('v = [1, 2]; w = Thing(1); a, b, c, d = P(v), P(v), P(w), P(w)', 'cid(a) != cid(b) and cid(c) != cid(d)')
!derived values carry none :: after('p = P(np.arange(3.))', 'cid(p[1:]) is None and cid(p + 1) is None and cid(p.copy()) is None and cid(np.asarray(p)) is None and cid(p.T) is None')
!derived tensors carry none :: after('p = P(torch().ones(2))', "cid(p + 1) is None and cid(p[1:]) is None and cid(p.clone()) is None and cid(p.detach()) is None and cid(copy.deepcopy(p)) is None and cid(p.to(torch().float64)) is None")
!copies carry none :: cid(copy.deepcopy(P([1]))) is None and cid(copy.copy(P(Thing(1)))) is None and cid(unwrap(P([1]))) is None
!pickle keeps the CID :: after('p = P([1]); q = pickle.loads(pickle.dumps(p))', 'cid(q) == cid(p) and cid(q) is not None')
!items carry item CIDs :: after('p = P({"a": [1]})', "cid(p['a']) == cid(p).item('a')")
""",
)

USES = [*PYTHON, *PROTECTION, *NUMPY, *TORCH, *FRAMES, *CARRIERS]
