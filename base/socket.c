#include "base/socket.h"

#include "base/cleanup.h"
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 128

static bool address_of(int dir_fd, const char *name, struct sockaddr_un *ret_address, struct err *e)
{
	int len;

	ret_address->sun_family = AF_UNIX;
	len = snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "/proc/self/fd/%d/%s",
		       dir_fd, name);
	if (len < 0 || (size_t)len >= sizeof(ret_address->sun_path))
		return err_set(e, ERR_INVALID, "the socket name %s is too long", name);
	return true;
}

static bool open_socket(int *ret_fd, struct err *e)
{
	*ret_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return *ret_fd >= 0 || err_errno(e, ERR_SYSTEM, "no socket to be had");
}

bool socket_connect(int dir_fd, const char *name, int *ret_fd, struct err *e)
{
	struct sockaddr_un address = { 0 };
	AUTO(fd) fd = -1;

	if (!address_of(dir_fd, name, &address, e) || !open_socket(&fd, e))
		return false;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return err_set(e, ERR_NOT_FOUND, "nobody answers at the socket %s", name);
		return err_errno(e,
				 errno == EAGAIN   ? ERR_BUSY
				 : errno == EACCES ? ERR_REFUSED
						   : ERR_SYSTEM,
				 "cannot reach the socket %s", name);
	}
	*ret_fd = TAKE_FD(fd);
	return true;
}

/* People must find it. Always false. */
static bool add_folder(int dir_fd, struct err *e)
{
	char link[32], folder[PATH_MAX] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
	return readlink(link, folder, sizeof(folder) - 1) > 0 && err_add(e, "%s", folder);
}

/* A socket that nobody serves is one that a daemon left; what is no socket is somebody's. */
static bool is_free(int dir_fd, const char *name, struct err *e)
{
	struct stat there;
	struct err nobody;
	AUTO(fd) other = -1;

	if (fstatat(dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISSOCK(there.st_mode))
		return err_set(e, ERR_INVALID,
			       "%s is no socket, and stands where one must be: move it away, then "
			       "start again",
			       name);
	if (socket_connect(dir_fd, name, &other, &nobody) || nobody.code != ERR_NOT_FOUND)
		return err_set(e, ERR_BUSY,
			       "the socket %s is served by another process already: stop that one "
			       "(ss -xlp shows it), then start again",
			       name);
	return true;
}

bool socket_listen(int dir_fd, const char *name, mode_t mode, int *ret_fd, struct err *e)
{
	struct sockaddr_un address = { 0 };
	AUTO(fd) fd = -1;

	if (!is_free(dir_fd, name, e))
		return add_folder(dir_fd, e);
	if (!address_of(dir_fd, name, &address, e) || !open_socket(&fd, e))
		return false;
	unlinkat(dir_fd, name, 0);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fchmodat(dir_fd, name, mode, 0) < 0 || listen(fd, BACKLOG) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot serve the socket %s", name);
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool socket_accept(int listen_fd, int *ret_fd, struct err *e)
{
	*ret_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (*ret_fd >= 0 || errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
		return true;
	return err_errno(e, ERR_SYSTEM, "cannot take a caller");
}

bool socket_peer(int fd, struct socket_peer *ret_peer, struct err *e)
{
	struct ucred credentials;
	socklen_t len = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot see who calls");
	ret_peer->uid = credentials.uid;
	ret_peer->pid = credentials.pid;
	ret_peer->groups[0] = credentials.gid;
	len = sizeof(ret_peer->groups) - sizeof(gid_t);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, ret_peer->groups + 1, &len) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot see the groups of who calls");
	ret_peer->group_count = 1 + len / sizeof(gid_t);
	return true;
}

bool socket_send(int fd, struct bytes record, int pass_fd, int64_t deadline, int cancel_fd,
		 struct err *e)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)record.data, .iov_len = record.len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (pass_fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header = (struct cmsghdr) { .cmsg_len = CMSG_LEN(sizeof(int)),
						    .cmsg_level = SOL_SOCKET,
						    .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), &pass_fd, sizeof(int));
	}
	for (;;) {
		if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
			return true;
		if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
			return err_set(e, ERR_GONE, "the other side hung up");
		if (errno != EAGAIN && errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "cannot send a record");
		if (!wait_for(fd, POLLOUT, deadline, cancel_fd, NULL, e))
			return false;
	}
}

static void take_passed(struct msghdr *message, int *ret_fd)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		int fds[4];
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(fds, CMSG_DATA(c), count * sizeof(int));
		for (size_t i = 0; i < count; i++) {
			if (ret_fd && *ret_fd < 0)
				*ret_fd = fds[i];
			else
				close(fds[i]);
		}
	}
}

bool socket_receive(int fd, uint8_t *buffer, size_t *ret_len, int *ret_fd, int64_t deadline,
		    int cancel_fd, struct err *e)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec part = { .iov_base = buffer, .iov_len = SOCKET_RECORD_MAX };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t len;

	if (ret_fd)
		*ret_fd = -1;
	for (;;) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		len = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
		if (len >= 0)
			break;
		if (errno == ECONNRESET)
			return err_set(e, ERR_GONE, "the other side hung up");
		if (errno != EAGAIN && errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "cannot receive a record");
		if (!wait_for(fd, POLLIN, deadline, cancel_fd, NULL, e))
			return false;
	}
	take_passed(&message, ret_fd);
	if (len == 0)
		return err_set(e, ERR_GONE, "the other side hung up");
	if (message.msg_flags & MSG_TRUNC)
		return err_set(e, ERR_INVALID, "a record of more than 64 KiB");
	*ret_len = (size_t)len;
	return true;
}
