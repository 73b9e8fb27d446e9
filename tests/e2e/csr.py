"""P-256 keys and their certificate requests, some thousand a second: OpenSSL's library through ctypes."""
import ctypes

_lib = ctypes.CDLL("libcrypto.so.3")
_pointer = ctypes.c_void_p
for _name in ("EVP_PKEY_Q_keygen", "X509_REQ_new", "EVP_sha256"):
    getattr(_lib, _name).restype = _pointer


def new_csr():
    """A request in DER with a key that nobody keeps."""
    key = _pointer(_lib.EVP_PKEY_Q_keygen(None, None, b"EC", ctypes.c_char_p(b"P-256")))
    request = _pointer(_lib.X509_REQ_new())
    data = _pointer()
    try:
        assert key and request and _lib.X509_REQ_set_pubkey(request, key) == 1
        assert _lib.X509_REQ_sign(request, key, _pointer(_lib.EVP_sha256())) > 0
        size = _lib.i2d_X509_REQ(request, ctypes.byref(data))
        assert size > 0
        return ctypes.string_at(data, size)
    finally:
        _lib.CRYPTO_free(data, None, 0)
        _lib.X509_REQ_free(request)
        _lib.EVP_PKEY_free(key)
