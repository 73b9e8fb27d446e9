#include "cloud/rehearsal/broker/inspect.h"

#include "base/clock.h"
#include "cloud/rehearsal/cert.h"

#include <openssl/pem.h>

/* Of a certificate that is registered, or is not. */
static bool look_up(struct registry *r, const char *id, struct facts *f, struct err *e)
{
	struct registry_certificate certificate;
	struct err reason;

	f->standing = STANDING_UNKNOWN;
	if (registry_certificate(r, id, &certificate, &reason)) {
		f->standing = decision_standing(certificate.status);
		f->sni_only = certificate.sni_only;
		return true;
	}
	if (reason.code == ERR_NOT_FOUND)
		return true;
	*e = reason;
	return false;
}

bool inspect_standing(struct registry *r, const char *id, enum standing *ret_standing,
		      struct err *e)
{
	struct facts f;

	if (!look_up(r, id, &f, e))
		return false;
	*ret_standing = f.standing;
	return true;
}

/* --- the CA --- */

struct search {
	const struct visit *visit;
	struct findings *findings;
};

static bool was_sent(const struct visit *v, const X509 *ca)
{
	for (int i = 0; i < sk_X509_num(v->chain); i++)
		if (X509_cmp(sk_X509_value(v->chain, i), ca) == 0)
			return true;
	return false;
}

static bool consider_ca(void *context, const struct registry_ca *ca, struct err *e)
{
	struct search *search = context;
	struct findings *found = search->findings;
	AUTO(BIO) text = BIO_new_mem_buf(ca->pem, -1);
	AUTO(X509) certificate = text ? PEM_read_bio_X509(text, NULL, NULL, NULL) : NULL;
	EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
	struct ca_facts facts = {
		.active = ca->active,
		.auto_registration = ca->auto_registration,
		.sni_only = ca->sni_only,
	};

	if (!key)
		return err_set(e, ERR_SYSTEM, "the registered CA %.16s… cannot be read", ca->id);
	facts.signed_leaf = X509_verify(search->visit->leaf, key) == 1;
	facts.sent = was_sent(search->visit, certificate);
	if (found->facts.ca_known && decision_rank(&facts) <= decision_rank(&found->facts.ca))
		return true;
	found->facts.ca_known = true;
	found->facts.ca = facts;
	memcpy(found->ca_id, ca->id, sizeof(found->ca_id));
	return true;
}

static bool each_ca(struct registry *r, const X509_NAME *subject, registry_each_ca each,
		    void *context, struct err *e)
{
	const unsigned char *der;
	size_t len;

	if (!X509_NAME_get0_der(subject, &der, &len))
		return err_set(e, ERR_SYSTEM, "no memory");
	return registry_cas(r, bytes_of(der, len), each, context, e);
}

static bool is_same_ca(void *context, const struct registry_ca *ca, struct err *e)
{
	struct search *search = context;

	(void)e;
	if (strcmp(search->visit->id, ca->id) == 0)
		search->findings->facts.leaf_is_ca = true;
	return true;
}

static bool issued_another(const struct visit *v)
{
	for (int i = 0; i < sk_X509_num(v->chain); i++)
		if (X509_NAME_cmp(X509_get_subject_name(v->leaf),
				  X509_get_issuer_name(sk_X509_value(v->chain, i))) == 0 &&
		    X509_verify(sk_X509_value(v->chain, i), X509_get0_pubkey(v->leaf)) == 1)
			return true;
	return false;
}

static bool inspect_unknown(struct registry *r, struct search *search, struct err *e)
{
	const struct visit *v = search->visit;
	struct facts *f = &search->findings->facts;

	f->leaf_is_ca = issued_another(v);
	f->weak = cert_weakness(v->leaf) != NULL;
	return each_ca(r, X509_get_subject_name(v->leaf), is_same_ca, search, e) &&
	       each_ca(r, X509_get_issuer_name(v->leaf), consider_ca, search, e);
}

bool inspect_visit(struct registry *r, const struct visit *v, bool chain_required,
		   struct findings *ret_findings, struct err *e)
{
	struct findings found = { .facts = { .chain_required = chain_required, .sni = v->sni } };
	struct search search = { v, &found };
	struct facts *f = &found.facts;

	f->now_s = clock_wall_s();
	if (!cert_dates(v->leaf, &f->not_before_s, &f->not_after_s, e) ||
	    !look_up(r, v->id, f, e) ||
	    (f->standing == STANDING_UNKNOWN && !inspect_unknown(r, &search, e)))
		return false;
	*ret_findings = found;
	return true;
}
