#include "hsm/token/seal.h"

#include "base/cleanup.h"
#include "hsm/token/pin.h"
#include "hsm/token/save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PROGRAM "/usr/bin/systemd-creds"
#define STORE "/etc/credstore.encrypted"
#define SYSTEMD_RUNS "/run/systemd/system"
#define OPENED "/run/imprint/pin" /* a folder to mount on */
#define SEALED_MAX 16384

static bool store_path(const char *name, char ret_path[static PATH_MAX], struct err *e)
{
	return snprintf(ret_path, PATH_MAX, STORE "/imprint-%s", name) < PATH_MAX ||
	       err_set(e, ERR_INVALID, "the name %s is too long", name);
}

/* A file in memory that holds these bytes. */
static bool hold(struct bytes data, int *ret_fd, struct err *e)
{
	AUTO(fd) fd = memfd_create("seal", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, data.data, data.len, 0) != (ssize_t)data.len)
		return err_errno(e, ERR_SYSTEM, "cannot hold a PIN in memory");
	*ret_fd = TAKE_FD(fd);
	return true;
}

static bool run(const char *const *words, int in, int out, struct err *e)
{
	posix_spawn_file_actions_t actions;
	int status = 0;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	errno = posix_spawn(&pid, PROGRAM, &actions, NULL, (char *const *)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (errno)
		return err_errno(e, ERR_PIN, "cannot run " PROGRAM);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "cannot wait for " PROGRAM);
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	       err_set(e, ERR_PIN, PROGRAM " %s failed; run it by hand to see why", words[1]);
}

/* What the program makes of these bytes; one byte of room is left. */
static bool transform(const char *const *words, struct bytes data, uint8_t *ret_data, size_t size,
		      size_t *ret_len, struct err *e)
{
	AUTO(fd) in = -1;
	AUTO(fd) out = -1;
	ssize_t got;

	if (!hold(data, &in, e) || !hold(bytes_text(""), &out, e) || !run(words, in, out, e))
		return false;
	got = pread(out, ret_data, size, 0);
	if (got <= 0 || (size_t)got == size)
		return err_set(e, ERR_PIN, PROGRAM " %s gave nothing of use", words[1]);
	*ret_len = (size_t)got;
	return true;
}

bool seal_possible(void)
{
	const char *folder = secure_getenv("IMPRINT_DIR");

	return geteuid() == 0 && (!folder || !*folder) && access(SYSTEMD_RUNS, F_OK) == 0 &&
	       access(PROGRAM, X_OK) == 0;
}

bool seal_has_tpm(void)
{
	static const char *const words[] = { PROGRAM, "has-tpm2", "--quiet", NULL };
	AUTO(fd) null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct err ignored;

	return null >= 0 && run(words, null, null, &ignored);
}

bool seal_exists(const char *name)
{
	char path[PATH_MAX];
	struct err ignored;

	return store_path(name, path, &ignored) && access(path, F_OK) == 0;
}

bool seal_write(const char *name, const char *pin, struct err *e)
{
	char option[NAME_MAX], path[PATH_MAX];
	const char *words[] = { PROGRAM, "encrypt", "--with-key=auto", "--tpm2-pcrs=", option, "-",
				"-",	 NULL };
	uint8_t sealed[SEALED_MAX];
	size_t len;

	snprintf(option, sizeof(option), "--name=%s", name);
	return store_path(name, path, e) &&
	       transform(words, bytes_text(pin), sealed, sizeof(sealed), &len, e) &&
	       save_folder(STORE, 0700, 0, 0, e) &&
	       save_file(path, 0600, 0, 0, bytes_of(sealed, len), e);
}

bool seal_read(const char *name, char *ret_pin, size_t size, struct err *e)
{
	char option[NAME_MAX], path[PATH_MAX];
	const char *words[] = { PROGRAM, "decrypt", option, path, "-", NULL };
	size_t len;

	snprintf(option, sizeof(option), "--name=%s", name);
	if (!store_path(name, path, e) ||
	    !transform(words, bytes_text(""), (uint8_t *)ret_pin, size, &len, e))
		return err_add(e, "the sealed PIN imprint-%s", name);
	ret_pin[len] = '\0';
	return true;
}

/* Mounted where we alone see it: ramfs is never swapped. */
static bool mount_memory(uid_t uid, gid_t gid, struct err *e)
{
	return ((mkdir(OPENED, 0700) == 0 || errno == EEXIST) && unshare(CLONE_NEWNS) == 0 &&
		mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0 &&
		mount("imprint", OPENED, "ramfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") ==
			0 &&
		chown(OPENED, uid, gid) == 0) ||
	       err_errno(e, ERR_SYSTEM, "cannot hold the sealed PIN in memory at " OPENED);
}

bool seal_open(uid_t uid, gid_t gid, struct err *e)
{
	char pin[PIN_MAX + 2];
	bool done;

	if (!seal_possible() || !seal_exists(SEAL_PIN) || secure_getenv("CREDENTIALS_DIRECTORY"))
		return true;
	done = seal_read(SEAL_PIN, pin, sizeof(pin), e) && mount_memory(uid, gid, e) &&
	       save_file(OPENED "/" SEAL_PIN, 0400, uid, gid, bytes_text(pin), e) &&
	       (setenv("CREDENTIALS_DIRECTORY", OPENED, 1) == 0 ||
		err_errno(e, ERR_SYSTEM, "cannot hand over the sealed PIN"));
	OPENSSL_cleanse(pin, sizeof(pin));
	return done;
}
