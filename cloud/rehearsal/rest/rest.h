/* rest: one HTTP request as it came over the wire, and the reply to it: what the operations see of
 * HTTP. The server has bounded everything in it. Texts of a request are valid during the call; a
 * reply owns its body. Threads: one. Layer above: server, dispatch, the operations. Below: none. */
#ifndef CLOUD_REHEARSAL_REST_REST_H
#define CLOUD_REHEARSAL_REST_REST_H

#include "base/bytes.h"
#include "base/err.h"

#define REST_TARGET_MAX 8192 /* a marker and an ARN, %-encoded */
#define REST_HEADERS_MAX 64
#define REST_BODY_MAX (1024 * 1024)
#define REST_REPLY_HEADERS_MAX 4
#define REST_REPLY_HEADER_SIZE 128

struct rest_header {
	const char *name, *value;
};

struct rest_request {
	const char *method;
	const char *target; /* raw: nothing decoded */
	const struct rest_header *headers;
	size_t header_count;
	struct bytes body;
};

/* A header's value, its name in any case; NULL if it is not there. */
const char *rest_header(const struct rest_request *request, const char *name);

struct rest_reply {
	int status;
	const char *content_type; /* NULL: application/json */
	const char *error;	  /* AWS's code, as x-amzn-ErrorType; NULL: none */
	uint8_t *body;		  /* from malloc; NULL: empty */
	size_t len;
	struct {
		const char *name;
		char value[REST_REPLY_HEADER_SIZE];
	} headers[REST_REPLY_HEADERS_MAX]; /* up to the first without a name */
};

/* Ends the reply as AWS words an error: status, code and a JSON body with the message. Takes the
 * place of what was in the reply. */
void rest_refuse(struct rest_reply *reply, int status, const char *code, const char *message, ...)
	__attribute__((format(printf, 4, 5)));
void rest_reply_free(struct rest_reply *reply);

#endif
