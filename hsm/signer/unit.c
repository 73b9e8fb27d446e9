#include "hsm/signer/unit.h"

#include <stdio.h>

const char *unit_who(const struct job *job, char text[static UNIT_WHO_SIZE])
{
	const struct request *r = &job->request;

	snprintf(text, UNIT_WHO_SIZE, "%s %s", *r->unit ? "unit" : "the board in nest",
		 *r->unit ? r->unit : r->nest);
	return text;
}

bool unit_check(const struct job *job, struct err *e)
{
	const struct product *product;
	char text[UNIT_WHO_SIZE];

	if (!job->product)
		return true;
	product = job->product->product;
	if (*job->request.unit && !product_allows_unit(product, job->request.unit))
		return err_set(e, REFUSAL_UNIT_TEXT,
			       "the unit id \"%s\" is none of the product %s (%s); check board and "
			       "order",
			       job->request.unit, product->name, product->unit_pattern_text);
	if (job->request.source != product->unit_source &&
	    (!*job->request.unit || !(job->roles & ROLE_SUPERVISOR)))
		return err_set(e, REFUSAL_REQUEST,
			       "%s: the product %s takes its unit ids from the %s, not from "
			       "the %s; make both parts of the product file agree",
			       unit_who(job, text), product->name,
			       unit_source_name(product->unit_source),
			       unit_source_name((enum unit_source)job->request.source));
	return true;
}

static bool next_unit(struct signer *s, struct job *job, struct err *e)
{
	if (!job->has_order)
		return err_set(e, REFUSAL_ORDER_NONE,
			       "no order is in use for nest %s; a supervisor opens one (imprint "
			       "order open) or puts one in use (imprint order use ID)",
			       job->request.nest);
	if (job->order.units != UNITS_LIST)
		return err_set(e, REFUSAL_ORDER_UNIT,
			       "the product %s takes its unit ids from the order's list, and order "
			       "%s has none; a supervisor opens one with --units FILE",
			       job->order.product, job->order.id);
	if (!signer_found(ledger_order_next_unit(s->ledger, job->order.id, job->request.unit, e),
			  e))
		return err_set(e, REFUSAL_ORDER_UNIT,
			       "every unit id on the list of order %s has its certificate; a "
			       "supervisor opens the next order",
			       job->order.id);
	return true;
}

bool unit_take(struct signer *s, struct job *job, struct err *e)
{
	struct issuance earlier;

	if (signer_found(ledger_key_elsewhere(s->ledger, job->csr.key_sha256, "", &earlier, e), e))
		memcpy(job->request.unit, earlier.unit, sizeof(job->request.unit));
	else if (!next_unit(s, job, e))
		return false;
	return unit_check(job, e);
}
