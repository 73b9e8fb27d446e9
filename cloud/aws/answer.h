/* answer: what AWS IoT answers in JSON, read with every field checked: ids are 64 lower-case hex
 * digits, statuses are words of iot.h, times numbers of seconds, texts without control characters.
 * Unknown members are ignored, as AWS adds some. Pure functions; outputs are written on success
 * only. Errors: ERR_INVALID, a sentence that names the member.
 * Threads: any. Layer above: iot. Below: members. Source: AWS IoT API reference 2015-05-28. */
#ifndef CLOUD_AWS_ANSWER_H
#define CLOUD_AWS_ANSWER_H

#include "base/bytes.h"
#include "cloud/aws/iot.h"

#define ANSWER_MARKER_SIZE 1025 /* of a page that another one follows */

MUST_CHECK bool answer_code(struct bytes body, char ret_code[static IOT_CODE_SIZE], struct err *e);
MUST_CHECK bool answer_host(struct bytes body, char ret_host[static IOT_HOST_SIZE], struct err *e);
/* certificateId of a registration. */
MUST_CHECK bool answer_id(struct bytes body, char ret_id[static IOT_ID_SIZE], struct err *e);
/* resourceId of ResourceAlreadyExistsException. */
MUST_CHECK bool answer_existing(struct bytes body, char ret_id[static IOT_ID_SIZE], struct err *e);
MUST_CHECK bool answer_ca(struct bytes body, struct iot_ca *ret_ca, struct err *e);
MUST_CHECK bool answer_certificate(struct bytes body, struct iot_certificate *ret, struct err *e);

/* A page of a list, checked as a whole before its first certificate is given out. */
struct answer_page;
MUST_CHECK bool answer_page(struct bytes body, struct answer_page **ret_page, struct err *e);
void answer_page_free(struct answer_page *page);
AUTO_DEFINE(answer_page, struct answer_page *, answer_page_free)
size_t answer_page_count(const struct answer_page *page);
void answer_page_get(const struct answer_page *page, size_t index, struct iot_certificate *ret);
const char *answer_page_marker(const struct answer_page *page); /* "": the last page */

#endif
