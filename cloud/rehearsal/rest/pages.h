/* pages: a list in pages, in the order of creation. A marker is the number of the last row that was
 * sent, with the kind of list and its direction, so that another list's marker is refused; it stays
 * good when rows come and go. Newest first where the call has isAscendingOrder and it is not true.
 * Errors: AWS_INVALID_REQUEST (marker), ERR_SYSTEM. Threads: the registry's. Layer above: the
 * operations. Below: query. */
#ifndef CLOUD_REHEARSAL_REST_PAGES_H
#define CLOUD_REHEARSAL_REST_PAGES_H

#include "cloud/rehearsal/rest/operation.h"

#define PAGES_DEFAULT 25

struct pages {
	const char *select; /* "SELECT number, … FROM t WHERE x = ?1": the scope, or ?1 = '' */
	const char *scope;
	const char *member;		  /* of the answer: "certificates" */
	const char *marker, *size, *next; /* names: marker, pageSize, nextMarker */
	bool newest_first;		  /* unless isAscendingOrder=true */
	json_t *(*item)(struct call *c, sqlite3_stmt *row);
};

#define PAGES_MARKER .marker = "marker", .size = "pageSize", .next = "nextMarker"
#define PAGES_TOKEN .marker = "nextToken", .size = "maxResults", .next = "nextToken"

MUST_CHECK bool pages_list(struct call *c, const struct pages *pages, struct err *e);

#endif
