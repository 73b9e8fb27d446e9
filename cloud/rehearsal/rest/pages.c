#include "cloud/rehearsal/rest/pages.h"

#include <openssl/evp.h>
#include <stdio.h>

#define SQL_SIZE 1024
#define MARKER_LEN 13 /* magic, direction, list, number; 13: its base64 ends in "==" */
#define MARKER_TEXT_SIZE 32

/* Its base64 begins "+/+/": whoever does not encode a marker in the query learns it here. */
static const uint8_t magic[] = { 0xfb, 0xff, 0xbf };

static uint8_t list_number(const struct pages *pages)
{
	uint8_t sum = 0;

	for (const char *c = pages->select; *c; c++)
		sum = (uint8_t)(sum * 31 + (uint8_t)*c);
	return sum;
}

static void marker_head(const struct pages *pages, bool ascending, uint8_t head[static 5])
{
	memcpy(head, magic, sizeof(magic));
	head[3] = ascending;
	head[4] = list_number(pages);
}

static json_t *make_marker(const struct pages *pages, bool ascending, int64_t number)
{
	uint8_t marker[MARKER_LEN];
	char text[MARKER_TEXT_SIZE];

	marker_head(pages, ascending, marker);
	for (int i = 0; i < 8; i++)
		marker[5 + i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
	EVP_EncodeBlock((uint8_t *)text, marker, MARKER_LEN);
	return json_string(text);
}

static bool read_marker(const struct pages *pages, bool ascending, const char *text,
			int64_t *ret_number, struct err *e)
{
	uint8_t marker[MARKER_TEXT_SIZE], head[5];
	uint64_t number = 0;

	marker_head(pages, ascending, head);
	if (strlen(text) != 20 || EVP_DecodeBlock(marker, (const uint8_t *)text, 20) != 15 ||
	    memcmp(marker, head, sizeof(head)) != 0)
		return err_set(e, AWS_INVALID_REQUEST, "the %s is not one of this list",
			       pages->marker);
	for (int i = 0; i < 8; i++)
		number = number << 8 | marker[5 + i];
	*ret_number = (int64_t)number;
	return true;
}

static bool start(struct call *c, const struct pages *pages, bool ascending, int64_t limit,
		  sqlite3_stmt **ret_query, struct err *e)
{
	const char *marker = call_text(c, pages->marker);
	int64_t from = ascending ? 0 : INT64_MAX;
	char sql[SQL_SIZE];

	if (marker && !read_marker(pages, ascending, marker, &from, e))
		return false;
	snprintf(sql, sizeof(sql), "%s AND number %s ?2 ORDER BY number %s LIMIT ?3", pages->select,
		 ascending ? ">" : "<", ascending ? "ASC" : "DESC");
	return query_start(
		c->db, sql,
		VALUES(STRING(pages->scope ? pages->scope : ""), NUMBER(from), NUMBER(limit)),
		ret_query, e);
}

/* One row more than the page holds says that there is a next page. */
static bool fill(struct call *c, const struct pages *pages, sqlite3_stmt *query, int64_t size,
		 json_t *items, int64_t *ret_last, bool *ret_more, struct err *e)
{
	bool row;

	for (*ret_more = false; query_row(query, &row, e);) {
		if (!row)
			return true;
		*ret_more = (int64_t)json_array_size(items) == size;
		if (*ret_more)
			return true;
		*ret_last = sqlite3_column_int64(query, 0);
		if (json_array_append_new(items, pages->item(c, query)) < 0)
			return err_set(e, ERR_SYSTEM, "no memory for a page");
	}
	return false;
}

bool pages_list(struct call *c, const struct pages *pages, struct err *e)
{
	bool ascending = !pages->newest_first || call_flag(c, "isAscendingOrder");
	int64_t size = call_number(c, pages->size, PAGES_DEFAULT), last = 0;
	AUTO(query) query = NULL;
	AUTO(json) items = json_array();
	bool more;

	if (!start(c, pages, ascending, size + 1, &query, e) ||
	    !fill(c, pages, query, size, items, &last, &more, e))
		return false;
	return call_result(c,
			   json_pack("{s:O, s:o*}", pages->member, items, pages->next,
				     more ? make_marker(pages, ascending, last) : NULL),
			   e);
}
