/* ceremony_open: settings, ledger and clock as create, import and restore want them. Layer above: ceremony
 * only. Below: settings, ledger. */
#ifndef HSM_CEREMONY_OPEN_H
#define HSM_CEREMONY_OPEN_H

#include "hsm/certificate/certificate.h"
#include "hsm/ledger/ledger.h"
#include "hsm/settings.h"

struct ceremony {
	struct settings settings;
	struct ledger *ledger;
	int64_t now_s; /* never before the ledger's last entry */
	bool has_head; /* the ledger has its first entry, with the head key */
};

MUST_CHECK bool ceremony_settings(struct settings *ret_settings, struct err *e);
/* Now, but never before the ledger's last entry; ERR_REFUSED if the clock is far back. */
MUST_CHECK bool ceremony_time(const struct ledger *ledger, int64_t *ret_now_s, struct err *e);
/* Loads the settings and opens the ledger, which locks it: ERR_BUSY while the signer runs. With
 * `make` a ledger is made if there is none. */
MUST_CHECK bool ceremony_open(bool make, struct ceremony **ret_ceremony, struct err *e);
void ceremony_close(struct ceremony *c);
AUTO_DEFINE(ceremony, struct ceremony *, ceremony_close)

/* Appends the entries in one transaction. */
MUST_CHECK bool ceremony_enter(struct ledger *ledger, int64_t now_s, struct entry *entries,
			       size_t count, struct err *e);
MUST_CHECK bool ceremony_append(struct ceremony *c, struct entry *entries, size_t count,
				struct err *e);

/* "CA accepted, ends 2036-11-20, AWS id 9f3c…71" */
void ceremony_say_ca(const struct ca *ca, char *ret_text, size_t size);

#endif
