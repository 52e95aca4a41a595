import Foundation
import Testing
import VolleyCore

/// Options of the socket as `volley serve` shows them.
@Suite(.timeLimit(.minutes(10)))
struct ServeOptionTests {
    @Test("a buffer that is not granted is one line on standard error, and in the report")
    func notGranted() throws {
        // More than any kernel can grant, whatever its limits and our privileges.
        let arguments = ["sink", "--listen", "127.0.0.1:0", "--receive-buffer", "2147483647", "--json"]
        let result = try Command.run("serve", arguments + ["--duration", "0.01"])
        #expect(result.status == 0)
        #expect(result.errors.hasPrefix("volley: SO_RCVBUF: asked for 2147483647, got "))
        #expect(result.errors.split(separator: "\n").count == 1)
        #expect(result.output.contains(#""asked":2147483647"#))
        #expect(result.output.contains(#""name":"SO_RCVBUF""#))
    }

    @Test("what is granted is not talked about")
    func granted() throws {
        let arguments = [
            "sink", "--listen", "127.0.0.1:0", "--receive-buffer", "50000", "--duration", "0.01", "--json",
        ]
        let result = try Command.run("serve", arguments)
        #expect(result.errors.isEmpty)
        #expect(result.output.contains(#"{"asked":50000,"granted":50000,"name":"SO_RCVBUF"}"#))
    }

    @Test("serve joins the groups it is given, and says which one it cannot join")
    func joins() throws {
        let arguments = ["sink", "--listen", "0.0.0.0:0", "--duration", "0.01"]
        let joined = try Command.run(
            "serve", arguments + ["--join", "239.1.2.3%lo", "--join", "127.0.0.1@232.1.2.3%lo"])
        #expect(joined.status == 0)
        #expect(joined.errors.isEmpty)
        let refused = try Command.run("serve", arguments + ["--join", "239.1.2.3%volley-none"])
        #expect(refused.status == 4)
        #expect(refused.errors.contains("set MCAST_JOIN_GROUP to 239.1.2.3%volley-none: No such device"))
        #expect(refused.errors.split(separator: "\n").count == 1)
    }
}
