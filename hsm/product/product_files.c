#include "hsm/product/product_reading.h"

#include "base/file.h"
#include "hsm/product/product_root.h"

#include <stdio.h>
#include <string.h>

#define FILE_NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

static bool holds(const struct product_file *file, enum content content)
{
	for (size_t i = 0; i < file->content_count; i++)
		if (file->content[i] == content)
			return true;
	return false;
}

static void read_content(struct reading *r, const struct product_raw_file *raw, size_t index,
			 struct product_file *file)
{
	char key[64];

	for (size_t i = 0; i < raw->content_count; i++) {
		if (!holds(file, raw->content[i])) {
			file->content[file->content_count++] = raw->content[i];
			continue;
		}
		snprintf(key, sizeof(key), "files[%zu].content[%zu]", index, i);
		product_mistake(r, key, "%s is in this file already",
				product_content_name(raw->content[i]));
	}
	snprintf(key, sizeof(key), "files[%zu].encoding", index);
	file->pem = raw->encoding != ENCODING_DER;
	file->crlf = raw->encoding == ENCODING_PEM_CRLF;
	file->nul = raw->encoding == ENCODING_PEM_NUL;
	if (!file->pem && (file->content_count > 1 || holds(file, CONTENT_CHAIN)))
		product_mistake(
			r, key,
			"several certificates in DER are not a file format; allowed here: pem");
}

static void read_file(struct reading *r, size_t index)
{
	const struct product_raw_file *raw = &r->raw->files[index];
	struct product_file *file = &r->product->files[index];
	char key[64];

	snprintf(key, sizeof(key), "files[%zu].name", index);
	if (strspn(raw->name, FILE_NAME_CHARACTERS) != strlen(raw->name))
		product_mistake(r, key, "\"%s\" is no file name; allowed here: A-Z a-z 0-9 - _ .",
				raw->name);
	for (size_t i = 0; i < index; i++)
		if (strcmp(r->raw->files[i].name, raw->name) == 0)
			product_mistake(r, key, "a file is called \"%s\" already", raw->name);
	strcpy(file->name, raw->name);
	read_content(r, raw, index, file);
	r->product->file_count = index + 1;
}

/* The index of the first file that holds it, or file_count. */
static size_t file_with(const struct product *p, enum content content)
{
	size_t i = 0;

	while (i < p->file_count && !holds(&p->files[i], content))
		i++;
	return i;
}

static void read_all_files(struct reading *r)
{
	for (size_t i = 0; i < r->raw->files_count; i++)
		read_file(r, i);
	if (file_with(r->product, CONTENT_CERTIFICATE) == r->product->file_count)
		product_mistake(r, "files",
				"no file holds the certificate: the board would never get it");
}

static void read_server_root(struct reading *r)
{
	struct product *p = r->product;
	size_t index = file_with(p, CONTENT_SERVER_ROOT), count = 0;
	char path[PATH_MAX];
	struct err e;

	if (!r->raw->server_root) {
		if (index < p->file_count)
			product_mistake_in(
				r, "files", index,
				"it holds server_root, but the key \"server_root\" with the "
				"path of its PEM file is missing");
		return;
	}
	if (index == p->file_count)
		product_mistake(r, "server_root",
				"no file holds it: add one, or leave this key out");
	if (!file_beside(r->path, r->raw->server_root, path, &e) ||
	    !product_root_load(path, &p->server_root, &p->server_root_len, &count, &e)) {
		product_mistake(r, "server_root", "%s", e.text);
		return;
	}
	for (; count > 1 && index < p->file_count; index++)
		if (holds(&p->files[index], CONTENT_SERVER_ROOT) && !p->files[index].pem)
			product_mistake_in(
				r, "files", index,
				"server_root holds several certificates, which are not a file "
				"format in DER; allowed here: pem");
}

void product_read_files(struct reading *r)
{
	read_all_files(r);
	read_server_root(r);
}
