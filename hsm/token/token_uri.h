/* token_uri: where a token is, as RFC 7512 writes it: pkcs11:token=LABEL?module-path=/x.so
 * Attributes in any order, %xx decoded. A PIN in a URI is refused: it would be seen by everybody.
 * Threads: any. Layer above: ceremony. Below: none. */
#ifndef HSM_TOKEN_URI_H
#define HSM_TOKEN_URI_H

#include "hsm/token/token.h"

/* Fills label and, if the URI has it, module of *config; leaves the rest. ERR_USAGE. */
MUST_CHECK bool token_uri(const char *text, struct token_config *config, struct err *e);

#endif
