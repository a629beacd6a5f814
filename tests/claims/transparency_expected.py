"""What cannot work with a carrier, and what to write instead; every use not named here works.

``refuses`` is an exception, ``differs`` another answer than the bare value gives. The columns are
the proxy (opened or not) and the native carrier.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """The outcome of one use that does not work everywhere."""

    proxy: str
    native: str
    instead: str
    buffer: bool = False  # works with a proxy from Python 3.12, which lets classes give buffers


NAMED_BY_C = "`unwrap(p)`: C code asks for the exact type"
FOR_JSON = "`json.dumps(unwrap(x, deep=True))`; arrays: `p.tolist()`"
FREE_COPY = "the native tensor is a copy of your own; changing it drops the CID"
EXPECTED: dict[str, Expected] = {
    "type(p) is the value's type": Expected("differs", "differs", "`isinstance(p, int)`"),
    "p in 'abc'": Expected("refuses", "works", NAMED_BY_C),
    "','.join([p])": Expected("refuses", "works", "`','.join(map(str, ...))`"),
    "'abc'.startswith(p)": Expected("refuses", "works", NAMED_BY_C),
    "'a-b'.split(p), replace(p, p)": Expected("refuses", "works", NAMED_BY_C),
    "b''.join([p])": Expected("refuses", "works", NAMED_BY_C, buffer=True),
    "struct.pack of bytes": Expected("refuses", "works", NAMED_BY_C),
    "f(**{p: 1})": Expected("refuses", "works", "`f(**{str(p): 1})`"),
    "os.path.exists(p), os.stat(p)": Expected("refuses", "works", "`Path(p).exists()`"),
    "re.match(p, 'text')": Expected("refuses", "works", NAMED_BY_C),
    "re.match('a+', p)": Expected(
        "refuses",
        "works",
        NAMED_BY_C,
    ),
    "json.dumps(int, float, str)": Expected("refuses", "works", FOR_JSON),
    "json.dumps(list, dict)": Expected("refuses", "works", FOR_JSON),
    "getattr and setattr with p as name": Expected("refuses", "works", "`getattr(x, str(p))`"),
    "raise p": Expected("refuses", "works", "`raise unwrap(p)`"),
    "exec, eval, compile of text": Expected("refuses", "works", "`eval(str(p))`"),
    "timedelta(seconds=p)": Expected("refuses", "works", "`timedelta(seconds=int(p))`"),
    "Decimal(p_int), Fraction(p_int)": Expected("refuses", "works", "`Decimal(int(p))`"),
    "hashlib of bytes": Expected("refuses", "works", NAMED_BY_C, buffer=True),
    "memoryview(p), BytesIO(p)": Expected("refuses", "works", NAMED_BY_C, buffer=True),
    "StringIO.write(p)": Expected("refuses", "works", "`f.write(str(p))`, `print(p, file=f)`"),
    "sqlite3 parameter": Expected("refuses", "works", NAMED_BY_C),
    "v[p] with a tuple result": Expected("refuses", "works", "`v[tuple(p)]`"),
    "memoryview(p_array)": Expected("refuses", "works", "`memoryview(np.asarray(p))`", buffer=True),
    "np.frombuffer(p_bytes)": Expected("refuses", "works", NAMED_BY_C, buffer=True),
    "rng.choice(p), default_rng(p)": Expected("refuses", "works", "`default_rng(int(p))`"),
    "numbers as dim, size, shape": Expected("refuses", "works", "`torch.zeros(int(p))`"),
    "nn.Parameter(p)": Expected("refuses", "works", "`nn.Parameter(p.clone())`"),
    "torch.from_numpy(p_array)": Expected("refuses", "works", "`torch.tensor(p)`"),
    "torch.tensor(p_list), ([p_float])": Expected("refuses", "works", "`torch.tensor([float(p)])`"),
    "t.data = p": Expected("refuses", "works", "`t.data = p.clone()`"),
    "t.grad = p": Expected("refuses", "works", "`t.grad = p.clone()`"),
    "func.grad at p": Expected("refuses", "works", "`torch.func.grad(f)(p.clone())`"),
    "jit.trace(f, p)": Expected("refuses", "works", "`torch.jit.trace(f, p.clone())`"),
    "tensor in-place raises": Expected("works", "differs", FREE_COPY),
    "pandas: df['c'] = float result": Expected(
        "differs", "works", "`df['c'] = float(p)`: pandas makes a column of objects"
    ),
    "pandas: keys by result": Expected("refuses", "works", "`df[list(p)]`, `df[str(p)]`"),
    "h5py: attrs[k] = text result": Expected("refuses", "refuses", "`attrs[k] = str(p)`"),
    "joblib: hash(p) == hash(v)": Expected("works", "differs", "`joblib.hash(unwrap(p))`"),
    "fields carry item CIDs": Expected(
        "works", "differs", "a native object is a copy of the value, and its fields are plain"
    ),
    "a function carries a CID": Expected(
        "works", "differs", "a native function, class or module is the object itself"
    ),
}
