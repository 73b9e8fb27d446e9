#include "hsm/signer/work.h"

#include "hsm/signer/unit.h"

#include <openssl/rand.h>
#include <openssl/sha.h>

static bool make_files(struct job *job, struct err *e)
{
	const struct product *product = job->product->product;
	struct bytes certificate = bytes_of(job->der, job->der_len);

	for (size_t i = 0; i < product->file_count; i++) {
		if (!certificate_file(job->ca, product, &product->files[i], certificate,
				      &job->files[i], &job->file_lens[i], e))
			return false;
		job->file_count = i + 1;
		SHA256(job->files[i], job->file_lens[i], job->nonce.digests + i * SHA256_LEN);
	}
	job->nonce.digests_len = job->file_count * SHA256_LEN;
	if (RAND_bytes(job->nonce.nonce, sizeof(job->nonce.nonce)) != 1)
		return err_set(e, ERR_SYSTEM, "no random bytes to be had");
	return true;
}

static bool check_key(const struct job *job, const struct product *product, struct err *e)
{
	char text[UNIT_WHO_SIZE];

	if (product_allows_key(product, job->csr.key_type))
		return true;
	return err_set(e, REFUSAL_KEY_TYPE,
		       "%s has a key of type %s, which the product %s does not allow; "
		       "check that the order is for this board",
		       unit_who(job, text), token_key_type_name(job->csr.key_type), product->name);
}

bool work_compose(struct job *job, struct err *e)
{
	struct certificate_plan plan = { .product = job->product->product,
					 .spki = bytes_of(job->csr.spki, job->csr.spki_len),
					 .unit = job->request.unit,
					 .order = job->order.id,
					 .serial = BYTES(job->serial),
					 .now_s = job->now_s };

	return certificate_compose(job->ca, &plan, &job->tbs, e);
}

bool work_check(struct job *job, struct csr_checker *checker, struct err *e)
{
	char text[UNIT_WHO_SIZE];

	if (!csr_check(checker, job->request.csr, &job->csr, e)) {
		e->code = REFUSAL_CSR;
		return err_add(e, "%s: the request is refused", unit_who(job, text));
	}
	if (!job->product)
		return true; /* no order: only a repeat can follow */
	if (!check_key(job, job->product->product, e))
		return false;
	return !*job->request.unit || work_compose(job, e);
}

bool work_sign(struct job *job, struct csr_checker *checker, struct err *e)
{
	(void)checker;
	return certificate_sign(job->ca, &job->tbs, job->der, &job->der_len, e) &&
	       make_files(job, e);
}

bool work_files(struct job *job, struct csr_checker *checker, struct err *e)
{
	(void)checker;
	return make_files(job, e);
}
