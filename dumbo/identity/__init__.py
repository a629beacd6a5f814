"""Identity: the one true name of every call and every value.

Law: pure. Nothing here runs the user's code beyond the hooks a class offers for it, loads a lazy
carrier, opens a store or imports a library that the value at hand has not imported already.
"""

from __future__ import annotations

from dumbo.identity.arguments import decode_arguments, encode_arguments
from dumbo.identity.binding import CallIdentity, CallShape
from dumbo.identity.canonical import Token, Use, content_digest, digest, token
from dumbo.identity.carriers import carrier_cid, carrier_probes
from dumbo.identity.cid import CID, FunctionId
from dumbo.identity.encoding import FORMAT
from dumbo.identity.exact import value_digest
from dumbo.identity.externals import name_external
from dumbo.identity.function_id import function_id, module_name, name_main
from dumbo.identity.matchers import Matcher, close, file, ignore, key, new_default
from dumbo.identity.values import ValueType, register_value

__all__ = [
    "CID",
    "FORMAT",
    "CallIdentity",
    "CallShape",
    "FunctionId",
    "Matcher",
    "Token",
    "Use",
    "ValueType",
    "carrier_cid",
    "carrier_probes",
    "close",
    "content_digest",
    "decode_arguments",
    "digest",
    "encode_arguments",
    "file",
    "function_id",
    "ignore",
    "key",
    "module_name",
    "name_external",
    "name_main",
    "new_default",
    "register_value",
    "token",
    "value_digest",
]
