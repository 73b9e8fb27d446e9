#include "hsm/ceremony/adopt.h"

#include "base/place.h"
#include "hsm/api/proof/sha256.h"
#include "hsm/api/proof/signature.h"
#include "hsm/ceremony/ceremony_open.h"

#include <inttypes.h>

#define ORDER "READ-BACK-%" PRIu64
#define PRODUCT_PATH_MAX (NAME_MAX_LEN + 32)

struct work {
	const struct adopt *adopt;
	struct ceremony *ceremony;
	struct ca *ca;
	char order[NAME_MAX_LEN + 1];
};

static bool check_product(const char *product, struct err *e)
{
	char name[PRODUCT_PATH_MAX], path[PATH_MAX];

	snprintf(name, sizeof(name), "products/%s.yaml", product);
	if (strchr(product, '/') || strlen(product) > NAME_MAX_LEN)
		return err_set(e, ERR_USAGE, "--product %.64s is no name of a product", product);
	return place_path(PLACE_ETC, name, path, e) &&
	       (access(path, R_OK) == 0 || err_errno(e, ERR_USAGE, "--product: %s", path));
}

static bool load_ca(struct work *w, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	struct entry entry;
	size_t len;

	return ledger_latest(w->ceremony->ledger, ENTRY_CA, &data, &len, e) &&
	       entry_decode(bytes_of(data, len), &entry, e) &&
	       ca_load(entry.certificate, entry.chain, CA_ANY_TIME, &w->ca, e);
}

static bool append(struct work *w, struct entry *entry, struct err *e)
{
	entry->time_s = w->ceremony->now_s;
	return ledger_append(w->ceremony->ledger, entry, e);
}

/* Every product has its unit id in the subject or in a name beside it. */
static bool check_names(const struct adopt_one *one, struct err *e)
{
	return memmem(one->der, one->len, one->unit, strlen(one->unit)) ||
	       err_set(e, ERR_REFUSED, "the certificate does not name the unit");
}

static bool enter_certificate(struct work *w, const struct adopt_one *one, X509 *certificate,
			      struct bytes spki, struct err *e)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
	struct bytes der = bytes_of(one->der, one->len), tbs;
	uint8_t key_sha256[SHA256_LEN], tbs_sha256[SHA256_LEN];
	struct entry reserved = { .type = ENTRY_RESERVED,
				  .order = bytes_text(w->order),
				  .product = bytes_text(w->adopt->product),
				  .unit = bytes_text(one->unit),
				  .source = SOURCE_FILE,
				  .serial = bytes_of(ASN1_STRING_get0_data(serial),
						     (size_t)ASN1_STRING_length(serial)),
				  .key_sha256 = BYTES(key_sha256),
				  .tbs_sha256 = BYTES(tbs_sha256),
				  .ca_id = BYTES(w->ca->id) };
	struct entry issued = { .type = ENTRY_ISSUED, .certificate = der };

	if (!signature_tbs(der, &tbs, e))
		return false;
	sha256(&spki, 1, key_sha256);
	sha256(&tbs, 1, tbs_sha256);
	if (!append(w, &reserved, e))
		return false;
	issued.issuance = reserved.number;
	return append(w, &issued, e);
}

static bool adopt_one(struct work *w, const struct adopt_one *one, struct err *e)
{
	AUTO(X509) certificate = NULL;
	uint8_t *spki;
	size_t len;
	bool done;

	if (!signature_certificate(bytes_of(one->der, one->len), &certificate, e) ||
	    !signature_issued(certificate, w->ca->certificate, e) || !check_names(one, e) ||
	    !signature_spki(certificate, &spki, &len, e))
		return false;
	done = enter_certificate(w, one, certificate, bytes_of(spki, len), e);
	OPENSSL_free(spki);
	return done;
}

static bool enter_all(struct work *w, struct err *e)
{
	const struct adopt *a = w->adopt;
	struct entry opened = { .type = ENTRY_ORDER_OPENED,
				.order = bytes_text(w->order),
				.product = bytes_text(a->product),
				.quantity = a->count,
				.by = bytes_text(a->by) };
	struct entry closed = { .type = ENTRY_ORDER_CLOSED,
				.order = bytes_text(w->order),
				.by = bytes_text(a->by) };

	if (!append(w, &opened, e))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!adopt_one(w, &a->certificates[i], e)) {
			e->code = ERR_REFUSED;
			return err_add(e, "unit %s", a->certificates[i].unit);
		}
	return append(w, &closed, e);
}

static bool run(struct work *w, char ret_text[static CEREMONY_TEXT_MAX], struct err *e)
{
	struct head head;

	if (!check_product(w->adopt->product, e) || !ceremony_open(false, &w->ceremony, e) ||
	    !load_ca(w, e))
		return false;
	ledger_head(w->ceremony->ledger, &head);
	snprintf(w->order, sizeof(w->order), ORDER, head.size + 1);
	if (!ledger_begin(w->ceremony->ledger, e) || !enter_all(w, e) ||
	    !ledger_commit(w->ceremony->ledger, e))
		return false;
	snprintf(ret_text, CEREMONY_TEXT_MAX,
		 "Adopted: %zu, as issued, under the order %s, which is closed. The same boards "
		 "again make them installed.\n",
		 w->adopt->count, w->order);
	return true;
}

bool adopt_certificates(const struct adopt *adopt, char ret_text[static CEREMONY_TEXT_MAX],
			struct err *e)
{
	struct work w = { .adopt = adopt };
	bool done = run(&w, ret_text, e);

	ca_free(w.ca);
	ceremony_close(w.ceremony);
	return done;
}
