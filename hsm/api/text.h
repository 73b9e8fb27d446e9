/* text: what counts as text in the ledger: UTF-8 (RFC 3629) without control characters. Any input
 * is safe. Threads: any. Layer above: entry. Below: bytes. */
#ifndef HSM_API_TEXT_H
#define HSM_API_TEXT_H

#include "base/bytes.h"

#include <stdbool.h>

/* With `lines`, line feeds are allowed too. */
bool text_is_clean(struct bytes text, bool lines);

#endif
