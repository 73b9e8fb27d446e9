#include "cloud/rehearsal/rest/principal.h"

bool principal_check(struct call *c, const char *arn, struct err *e)
{
	struct registry_certificate certificate;
	char head[ARN_SIZE];
	size_t len;

	if (!call_arn(c, "cert", "", head, e))
		return false;
	len = strlen(head);
	if (strncmp(arn, head, len) != 0 || strlen(arn + len) != REGISTRY_ID_SIZE - 1)
		return err_set(e, AWS_INVALID_REQUEST,
			       "the principal must be a certificate: %s and its id", head);
	if (registry_certificate(c->registry, arn + len, &certificate, e))
		return true;
	if (e->code != ERR_NOT_FOUND)
		return false;
	return err_set(e, AWS_NOT_FOUND, "the certificate given for the principal does not exist");
}
