// A yardstick of `make bench`: a Go net/http server on a Unix socket that asks the kernel who its peer is and looks at it
// in /proc, once for each connection, as ours does. Usage: go-server SOCKET BODY
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
)

type peerKey struct{}

// attest reads what a decision about the peer needs: its user, its program, its name, and when it was started.
func attest(connection net.Conn) error {
	raw, err := connection.(*net.UnixConn).SyscallConn()
	if err != nil {
		return err
	}
	var peer *syscall.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		peer, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	if peer.Uid != uint32(os.Getuid()) {
		return fmt.Errorf("user %d", peer.Uid)
	}
	process := fmt.Sprintf("/proc/%d/", peer.Pid)
	if _, err := os.Readlink(process + "exe"); err != nil {
		return err
	}
	for _, file := range []string{"comm", "stat"} {
		if _, err := os.ReadFile(process + file); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	body := []byte(os.Args[2])
	length := strconv.Itoa(len(body))
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{
		ConnContext: func(ctx context.Context, connection net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, attest(connection))
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err, refused := r.Context().Value(peerKey{}).(error); refused {
				http.Error(w, err.Error(), http.StatusForbidden)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", length)
			w.Write(body)
		}),
	}
	log.Fatal(server.Serve(listener))
}
