#include "hsm/token/pin.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE 4096
#define CREDENTIAL "token-pin"

static struct {
	pthread_mutex_t mutex;
	bool locked;
} guard = { PTHREAD_MUTEX_INITIALIZER, false };
static _Alignas(PAGE) char page[PAGE];

static bool lock_page(struct err *e)
{
	if (guard.locked)
		return true;
	if (mlock(page, sizeof(page)) < 0)
		return err_errno(e, ERR_SYSTEM,
				 "cannot lock the PIN's page in memory (raise LimitMEMLOCK)");
	madvise(page, sizeof(page), MADV_DONTDUMP);
	guard.locked = true;
	return true;
}

/* systemd hands the credential over in a folder that only we can read: its mode is not ours to
 * judge. What was not sealed for it is not there. */
static bool credential_path(char ret_path[static PATH_MAX], struct err *e)
{
	const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");

	if (!folder || snprintf(ret_path, PATH_MAX, "%s/" CREDENTIAL, folder) >= PATH_MAX ||
	    access(ret_path, F_OK) < 0)
		return err_set(e, ERR_PIN,
			       "there is no token PIN: set token.pin_file in signer.yaml, or give "
			       "the systemd credential " CREDENTIAL " (README.Debian, The PIN)");
	return true;
}

static bool check_mode(int fd, const char *path, struct err *e)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return err_errno(e, ERR_PIN, "cannot look at the PIN file %s", path);
	if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || status.st_mode & 0177)
		return err_set(e, ERR_PIN,
			       "the PIN file %s may be read by others: chown %u %s; chmod 600 %s",
			       path, (unsigned)geteuid(), path, path);
	return true;
}

static bool read_page(int fd, const char *path, size_t *ret_len, struct err *e)
{
	ssize_t got = read(fd, page, PIN_MAX + 3);
	size_t len = got > 0 ? (size_t)got : 0;

	if (got < 0)
		return err_errno(e, ERR_PIN, "cannot read the PIN file %s", path);
	if (len > 0 && page[len - 1] == '\n')
		len--;
	if (len > 0 && page[len - 1] == '\r')
		len--;
	page[len] = '\0';
	if (len == 0 || len > PIN_MAX || strlen(page) != len || strchr(page, '\n'))
		return err_set(e, ERR_PIN,
			       "the PIN file %s does not hold one line of 1 to %d bytes", path,
			       PIN_MAX);
	*ret_len = len;
	return true;
}

static bool read_file(const char *path, bool check, size_t *ret_len, struct err *e)
{
	AUTO(fd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_errno(e, ERR_PIN, "cannot read the PIN file %s", path);
	return (!check || check_mode(fd, path, e)) && read_page(fd, path, ret_len, e);
}

bool pin_read(const char *path, struct bytes *ret_pin, struct err *e)
{
	char credential[PATH_MAX];
	bool own = path[0] != '\0';
	size_t len = 0;

	if (!own && !credential_path(credential, e))
		return false;
	pthread_mutex_lock(&guard.mutex);
	if (!lock_page(e) || !read_file(own ? path : credential, own, &len, e)) {
		pin_release();
		return false;
	}
	*ret_pin = bytes_of(page, len);
	return true;
}

void pin_release(void)
{
	OPENSSL_cleanse(page, sizeof(page));
	pthread_mutex_unlock(&guard.mutex);
}
