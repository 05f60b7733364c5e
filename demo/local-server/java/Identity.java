// Asks the identity socket who this is. Java 17, JDK only: its HTTP client knows no Unix sockets, a channel does.
//
//     java Identity.java [SOCKET]

import java.io.IOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

import static java.nio.charset.StandardCharsets.UTF_8;

public final class Identity {
    private final Path socket;

    private Identity(Path socket) {
        this.socket = socket;
    }

    public static void main(String[] args) throws IOException {
        String home = System.getProperty("user.home");
        var path = args.length > 0 ? Path.of(args[0]) : Path.of(home, ".openclaw/plugins/identity/identity.sock");
        var server = new Identity(path);

        // Its field "token" goes into a request as "Authorization: Bearer …".
        String token = server.ask("GET", "/token", "");
        System.out.printf("token: %s until %s%n", text(token, "sub"), text(token, "expiresAt"));
        String session = server.ask("GET", "/session", "");
        System.out.printf("session: %s until %s%n", text(session, "sub"), text(session, "expiresAt"));
        String tools = server.ask("GET", "/tools", "");
        long count = Pattern.compile("\"name\":\"identity_").matcher(tools).results().count();
        System.out.printf("tools: %d, first %s%n", count, text(tools, "name"));
        String who = server.ask("POST", "/tool/identity_whoami", "{\"params\": {}, \"session\": \"\"}");
        System.out.printf("identity_whoami: %s%n", text(who, "sub"));
    }

    private String ask(String method, String target, String body) throws IOException {
        String answer = exchange(method, target, body);
        int status = Integer.parseInt(answer.split(" ", 3)[1]);
        if (status == 403) {
            throw fail("the identity server refuses this program; add \"java\" to identity.localServerAllowlist");
        }
        if (status != 200) {
            throw fail(target + ": " + text(answer, "message") + "; " + text(answer, "hint"));
        }
        return answer.substring(answer.indexOf("\r\n\r\n") + 4);
    }

    /** One connection, one request; the answer ends with the connection. */
    private String exchange(String method, String target, String body) throws IOException {
        if (!Files.exists(socket)) {
            throw absent();
        }
        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            byte[] content = body.getBytes(UTF_8);
            String head = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    + "Content-Type: application/json\r\nContent-Length: " + content.length + "\r\n\r\n";
            var request = ByteBuffer.wrap((head + body).getBytes(UTF_8));
            while (request.hasRemaining()) {
                channel.write(request);
            }
            return new String(Channels.newInputStream(channel).readAllBytes(), UTF_8);
        } catch (ConnectException refused) {
            throw absent();
        }
    }

    private RuntimeException absent() {
        return fail("no identity server at " + socket + "; start it with: agent-identity serve");
    }

    /** A string of an answer. Enough for these answers; a real program takes a JSON library. */
    private static String text(String json, String name) {
        var found = Pattern.compile("\"" + name + "\":\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(json);
        return found.find() ? found.group(1) : "";
    }

    private static RuntimeException fail(String message) {
        System.err.println(message);
        System.exit(1);
        return new IllegalStateException(message);
    }
}
