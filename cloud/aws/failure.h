/* failure: an answer of AWS other than 2xx, as a code and a sentence: AWS's code and message, and
 * what to do now. The table in failure.c is the list of what AWS says.
 *	IoT	x-amzn-ErrorType: CODE, or __type or code in the body; {"message": TEXT}
 *	S3	<Code>CODE</Code> <Message>TEXT</Message>
 * What is neither is not AWS: a proxy, a sign-in page. Texts from outside are cut and shown as
 * printable ASCII. Codes as in iot.h. Threads: any. Layer above: service. Below: http.
 * Source: AWS IoT API reference "Common errors", Amazon S3 "Error responses". */
#ifndef CLOUD_AWS_FAILURE_H
#define CLOUD_AWS_FAILURE_H

#include "cloud/aws/http.h"

struct failure_call {
	const char *service, *operation; /* "iot", "RegisterCACertificate": also the right's name */
	const struct account *account;
};

/* *ret_again: it may be better in a moment. Always false. */
bool failure_say(const struct failure_call *call, const struct http_answer *answer, bool *ret_again,
		 struct err *e);

/* A body of 2xx that is not what it must be. Always false. */
bool failure_foreign(const struct http_answer *answer, struct err *e);

#endif
