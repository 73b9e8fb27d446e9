/* sample: what a product makes, to look at and approve before the first board: a certificate for an
 * example unit, composed by the same code as a real one, with throw-away keys and a throw-away CA
 * whose name says so. No token, no ledger. Threads: any. Layer above: `imprint product check`.
 * Below: certificate. */
#ifndef HSM_SAMPLE_H
#define HSM_SAMPLE_H

#include "hsm/certificate/certificate.h"

struct sample {
	struct ca *ca; /* sample_clear frees it */
	uint8_t der[CERTIFICATE_MAX];
	size_t len;
};

/* ERR_INVALID: the product does not allow the unit, or the unit does not fit into a name. */
MUST_CHECK bool sample_make(const struct product *product, const char *unit,
			    struct sample *ret_sample, struct err *e);
void sample_clear(struct sample *sample);

/* The certificate in words. */
MUST_CHECK bool sample_print(const struct sample *sample, FILE *output, struct err *e);

#endif
