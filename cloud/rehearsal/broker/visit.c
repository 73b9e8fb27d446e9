#include "cloud/rehearsal/broker/visit.h"

#include "cloud/rehearsal/cert.h"

static void read_common_name(X509 *certificate, char *ret_name, size_t size)
{
	int len = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
					    ret_name, (int)size);

	if (len < 0)
		*ret_name = '\0';
	for (char *c = ret_name; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"')
			*c = '?';
}

static bool keep_chain(struct visit *v, STACK_OF(X509) * sent)
{
	v->chain = sk_X509_new_null();
	for (int i = 1; v->chain && i < sk_X509_num(sent); i++) {
		X509 *one = sk_X509_value(sent, i);

		/* The leaf once more: counted, it would keep the visit that it owns. */
		if (one == v->leaf)
			continue;
		if (!sk_X509_push(v->chain, one))
			return false;
		X509_up_ref(one);
	}
	return v->chain != NULL;
}

bool visit_new(X509 *leaf, STACK_OF(X509) * sent, bool sni, const char *address,
	       struct visit **ret_visit, struct err *e)
{
	AUTO(visit) v = calloc(1, sizeof(*v));

	if (!v)
		return err_set(e, ERR_SYSTEM, "no memory");
	v->leaf = leaf;
	v->sni = sni;
	v->verdict = VERDICT_TROUBLE;
	snprintf(v->address, sizeof(v->address), "%s", address);
	read_common_name(leaf, v->common_name, sizeof(v->common_name));
	if (!keep_chain(v, sent))
		return err_set(e, ERR_SYSTEM, "no memory");
	if (!cert_id(leaf, v->id, e))
		return false;
	*ret_visit = TAKE(v);
	return true;
}

void visit_free(struct visit *v)
{
	if (!v)
		return;
	sk_X509_pop_free(v->chain, X509_free);
	free(v);
}
