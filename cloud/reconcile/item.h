/* item: one object of what the aws command prints, a certificate's or a CA's: its members in any
 * order, unknown ones passed over. Errors: those of pull; ERR_INVALID with what is wrong in it.
 * Threads: one a reader. Layer above: listing. Below: pull. */
#ifndef CLOUD_RECONCILE_ITEM_H
#define CLOUD_RECONCILE_ITEM_H

#include "cloud/aws/iot.h"
#include "cloud/reconcile/pull.h"
#include "hsm/api/issuance.h"

enum item_field { ITEM_ID, ITEM_ARN, ITEM_STATUS, ITEM_CREATED, ITEM_AUTO, ITEM_COUNT };

struct item {
	bool has[ITEM_COUNT];
	uint8_t id[SHA256_LEN];
	char id_text[2 * SHA256_LEN + 1], arn_id_text[2 * SHA256_LEN + 1];
	bool arn_of_ca;
	enum iot_status status;
	int64_t created_s; /* since 1970 UTC; 0: not said */
	bool auto_registration;
};

/* From behind its brace to its end. An id and a status it has; if it has an ARN, that agrees. */
MUST_CHECK bool item_read(struct pull *p, struct item *ret_item, struct err *e);

#endif
