#include "cloud/rehearsal/rest/rest.h"

#include "base/cleanup.h"

#include <jansson.h>
#include <stdarg.h>
#include <strings.h>

#define MESSAGE_SIZE 1024

const char *rest_header(const struct rest_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (!strcasecmp(request->headers[i].name, name))
			return request->headers[i].value;
	return NULL;
}

void rest_refuse(struct rest_reply *reply, int status, const char *code, const char *message, ...)
{
	char text[MESSAGE_SIZE];
	json_t *body;
	va_list args;

	va_start(args, message);
	vsnprintf(text, sizeof(text), message, args);
	va_end(args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = '?';
	rest_reply_free(reply);
	reply->status = status;
	reply->error = code;
	body = json_pack("{s:s}", "message", text);
	reply->body = (uint8_t *)(body ? json_dumps(body, JSON_COMPACT) : NULL);
	reply->len = reply->body ? strlen((char *)reply->body) : 0;
	json_decref(body);
}

void rest_reply_free(struct rest_reply *reply)
{
	free(reply->body);
	*reply = (struct rest_reply) { 0 };
}
