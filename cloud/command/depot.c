#include "cloud/command/depot.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define SCHEME "s3://"
#define UNFINISHED ".unfinished" /* one for all: what a broken run leaves is written over */

struct depot {
	struct s3 *s3; /* NULL: a folder */
	char prefix[S3_KEY_MAX + 1];
	int folder;
	const char *path;
};

static bool open_bucket(struct depot *d, const char *target, const struct account_options *options,
			struct err *e)
{
	const char *name = target + strlen(SCHEME);
	size_t len = strcspn(name, "/");
	const char *prefix = name[len] ? name + len + 1 : "";
	size_t prefix_len = strlen(prefix);
	char bucket[S3_BUCKET_MAX + 1];

	if (len == 0 || len > S3_BUCKET_MAX || strspn(prefix, S3_KEY_CHARACTERS) != prefix_len ||
	    prefix_len + DEPOT_NAME_MAX + 1 > S3_KEY_MAX)
		return err_set(e, ERR_USAGE,
			       "%s is no target: s3://BUCKET, or s3://BUCKET/PREFIX of letters, "
			       "digits and ._/-",
			       target);
	memcpy(bucket, name, len);
	bucket[len] = '\0';
	snprintf(d->prefix, sizeof(d->prefix), "%s%s", prefix,
		 prefix_len > 0 && prefix[prefix_len - 1] != '/' ? "/" : "");
	return s3_open(options, bucket, &d->s3, e);
}

static bool open_folder(struct depot *d, const char *path, struct err *e)
{
	d->path = path;
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_errno(e, ERR_SYSTEM, "cannot make the folder %s", path);
	d->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->folder < 0)
		return err_errno(e, ERR_SYSTEM, "cannot open the folder %s", path);
	if (flock(d->folder, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, ERR_BUSY, "somebody else publishes to %s now; wait for that",
			       path);
	return true;
}

bool depot_open(const char *target, const struct account_options *options, struct depot **ret_depot,
		struct err *e)
{
	AUTO(depot) d = calloc(1, sizeof(*d));
	bool bucket = !strncmp(target, SCHEME, strlen(SCHEME));

	if (!d)
		return err_set(e, ERR_SYSTEM, "out of memory");
	d->folder = -1;
	if (!(bucket ? open_bucket(d, target, options, e) : open_folder(d, target, e)))
		return false;
	*ret_depot = TAKE(d);
	return true;
}

void depot_close(struct depot *d)
{
	if (!d)
		return;
	s3_close(d->s3);
	if (d->folder >= 0)
		close(d->folder);
	free(d);
}

static const char *key_of(const struct depot *d, const char *name, char key[static S3_KEY_MAX + 1])
{
	snprintf(key, S3_KEY_MAX + 1, "%s%s", d->prefix, name);
	return key;
}

static bool read_object(struct depot *d, const char *name, uint8_t **ret_data, size_t *ret_len,
			char ret_tag[static S3_TAG_SIZE], struct err *e)
{
	char key[S3_KEY_MAX + 1], path[PATH_MAX];

	*ret_tag = '\0';
	if (d->s3)
		return s3_get(d->s3, key_of(d, name, key), ret_data, ret_len, ret_tag, e);
	if (snprintf(path, sizeof(path), "%s/%s", d->path, name) >= (int)sizeof(path))
		return err_set(e, ERR_USAGE, "the folder's path is too long");
	return file_read(path, DEPOT_OBJECT_MAX, ret_data, ret_len, e);
}

bool depot_get(struct depot *d, const char *name, struct depot_object *ret_object, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	size_t len = 0;

	ret_object->found = read_object(d, name, &data, &len, ret_object->tag, e);
	if (!ret_object->found)
		return e->code == ERR_NOT_FOUND;
	if (len > DEPOT_OBJECT_MAX || memchr(data, '\0', len))
		return err_set(e, ERR_INVALID, "%s is nothing that was published so", name);
	memcpy(ret_object->text, data, len + 1);
	return true;
}

static bool write_whole(int fd, const char *text, struct err *e)
{
	for (size_t left = strlen(text); left > 0;) {
		ssize_t done = write(fd, text, left);

		if (done < 0)
			return err_errno(e, ERR_SYSTEM, "cannot write");
		text += done;
		left -= (size_t)done;
	}
	return true;
}

static bool put_file(struct depot *d, const char *name, const char *text, struct err *e)
{
	AUTO(fd)
	fd = openat(d->folder, UNFINISHED, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    0644);

	if (fd < 0)
		return err_errno(e, ERR_SYSTEM, "cannot open a file");
	if (!write_whole(fd, text, e))
		return false;
	return renameat(d->folder, UNFINISHED, d->folder, name) == 0 ||
	       err_errno(e, ERR_SYSTEM, "cannot rename");
}

bool depot_put(struct depot *d, const char *name, const char *text, const char *over, struct err *e)
{
	char key[S3_KEY_MAX + 1];

	if (d->s3)
		return s3_put(d->s3, key_of(d, name, key), bytes_text(text), over, e);
	return put_file(d, name, text, e) || err_add(e, "%s/%s", d->path, name);
}

bool depot_settle(struct depot *d, struct err *e)
{
	return d->s3 || syncfs(d->folder) == 0 ||
	       err_errno(e, ERR_SYSTEM, "%s: what was written is not safe on the disk", d->path);
}
