// Asks the identity socket who this is. Go, standard library only.
//
//	go build -o identity-go main.go && ./identity-go [SOCKET]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type identity struct {
	Sub       string `json:"sub"`
	ExpiresAt string `json:"expiresAt"`
	Token     string `json:"token"` // goes into a request as "Authorization: Bearer …"
}

type failure struct {
	Error struct{ Message, Hint string }
}

type client struct {
	path string
	http http.Client
}

func connect(path string) *client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return &client{path, http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: 30 * time.Second}}
}

func (c *client) ask(method, target, body string, answer any) {
	request, err := http.NewRequest(method, "http://localhost"+target, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		log.Fatalf("no identity server at %s; start it with: agent-identity serve", c.path)
	} else if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusForbidden {
		log.Fatal(`the identity server refuses this program; add "identity-go" to identity.localServerAllowlist`)
	}
	if response.StatusCode != http.StatusOK {
		var failed failure
		_ = json.NewDecoder(response.Body).Decode(&failed)
		log.Fatalf("%s: %s; %s", target, failed.Error.Message, failed.Error.Hint)
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		log.Fatal(err)
	}
}

func main() {
	log.SetFlags(0)
	home, _ := os.UserHomeDir()
	path := filepath.Join(home, ".openclaw/plugins/identity/identity.sock")
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	client := connect(path)

	var token, session identity
	client.ask("GET", "/token", "", &token)
	fmt.Printf("token: %s until %s\n", token.Sub, token.ExpiresAt)
	client.ask("GET", "/session", "", &session)
	fmt.Printf("session: %s until %s\n", session.Sub, session.ExpiresAt)
	var list struct{ Tools []struct{ Name string } }
	client.ask("GET", "/tools", "", &list)
	fmt.Printf("tools: %d, first %s\n", len(list.Tools), list.Tools[0].Name)
	var who struct{ Result identity }
	client.ask("POST", "/tool/identity_whoami", `{"params": {}, "session": ""}`, &who)
	fmt.Printf("identity_whoami: %s\n", who.Result.Sub)
}
