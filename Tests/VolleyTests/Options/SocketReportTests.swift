import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// What was asked of a socket and what was granted.
@Suite("Socket report", .timeLimit(.minutes(10)))
struct SocketReportTests {
    /// The report of an endpoint; `force` is what the kernel says to passing its limit.
    private func report(force: Errno?, _ configure: (inout DatagramOptions) -> Void) throws -> SocketReport {
        var table = Syscalls.kernel
        table.setOption = { descriptor, level, name, value in
            if level == SOL_SOCKET, name == SO_RCVBUFFORCE || name == SO_SNDBUFFORCE, let force {
                return -Int(force.rawValue)
            }
            return Syscalls.kernel.setOption(descriptor, level, name, value)
        }
        let loop = try EpollLoop(syscalls: table)
        var options = DatagramOptions()
        configure(&options)
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), options) { RecordingProtocol() }
        defer { loop.shutDown() }
        return try #require(transport.extraInfo("socketReport") as? SocketReport)
    }

    private func limit(_ name: String) throws -> Int {
        let descriptor = unsafe open("/proc/sys/net/core/\(name)", O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 32)
        let count = unsafe read(descriptor, &text, text.count)
        return try #require(Int(String(decoding: text.prefix(max(0, count - 1)), as: UTF8.self)))
    }

    @Test("nothing asked, nothing reported")
    func empty() throws {
        #expect(try report(force: nil) { _ in } == SocketReport(options: []))
    }

    @Test("what is granted is in the user's measure, not in the kernel's double")
    func granted() throws {
        let report = try report(force: .notPermitted) {
            $0.receiveBufferSize = 100_000
            $0.sendBufferSize = 50_000
            $0.allowsBroadcast = true
        }
        #expect(report.options.map(\.name) == ["SO_RCVBUF", "SO_SNDBUF", "SO_BROADCAST"])
        #expect(report.options.map(\.granted) == [100_000, 50_000, 1])
        #expect(report.differences == [])
        #expect(report.options.first?.description == "SO_RCVBUF: 100000")
    }

    @Test("a buffer beyond the limit is clamped, and the report names the sysctl that allows it")
    func clamped() throws {
        let limits = try [limit("rmem_max"), limit("wmem_max")]
        let asked = limits.map { $0 + 4_096 }
        let report = try report(force: .notPermitted) {
            $0.receiveBufferSize = asked[0]
            $0.sendBufferSize = asked[1]
        }
        #expect(report.differences.map(\.granted) == limits)
        let texts = zip(["SO_RCVBUF", "SO_SNDBUF"], ["rmem_max", "wmem_max"]).enumerated().map {
            "\($1.0): asked for \(asked[$0]), got \(limits[$0]); sysctl -w net.core.\($1.1)=\(asked[$0]) allows it"
        }
        #expect(report.differences.map(\.description) == texts)
    }

    @Test(
        "with CAP_NET_ADMIN the limit is passed",
        .enabled(if: OptionsNamespace.hasNetworkAdmin, "takes CAP_NET_ADMIN"))
    func forced() throws {
        let asked = try limit("rmem_max") + 4_096
        let report = try report(force: nil) { $0.receiveBufferSize = asked }
        #expect(report.options.map(\.granted) == [asked])
        #expect(report.differences == [])
    }

    @Test("a buffer below the kernel's minimum or beyond its maximum is reported as what it is")
    func extremes() throws {
        let small = try report(force: .notPermitted) { $0.receiveBufferSize = 1 }.options.first
        #expect(small?.isAsAsked == false)
        #expect(small?.advice == "that is the kernel's minimum")
        let large = try report(force: nil) { $0.receiveBufferSize = .max }.options.first
        #expect(large?.asked == Int(CInt.max))
        #expect(large?.isAsAsked == false)
        #expect(large?.advice == "the kernel's maximum is 1073741823")
    }

    @Test("the endpoint's handle has the report; an adopted socket's is empty")
    func handle() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        var options = DatagramOptions()
        options.receiveBufferSize = 50_000
        let endpoint = try loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0), options: options) {
            RecordingProtocol()
        }
        #expect(endpoint.socketReport.options.map(\.asked) == [50_000])
        let adopted = try loop.adoptDatagram(descriptor: CInt(Syscalls.kernel.socket(CInt(AF_INET)))) {
            RecordingProtocol()
        }
        #expect(adopted.socketReport == SocketReport(options: []))
    }
}
