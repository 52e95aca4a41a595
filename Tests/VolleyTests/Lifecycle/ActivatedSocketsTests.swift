import CVolley
import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// The protocol of sd_listen_fds(3), on descriptors of the test's own; `CLITests` has it from process to process.
@Suite("Sockets from the service manager", .serialized, .timeLimit(.minutes(10)))
struct ActivatedSocketsTests {
    /// A datagram socket, a listening stream socket and a Unix datagram socket on three descriptors in a row.
    private struct Passed {
        let first: CInt
        let identities: [SocketIdentity]
        let datagramAddress: SocketAddress
        let unixAddress: UnixAddress

        init() throws {
            let datagram = CInt(Syscalls.kernel.socket(CInt(AF_INET)))
            let stream = socket(AF_INET6, CInt(SOCK_STREAM.rawValue), 0)
            let unix = CInt(Syscalls.kernel.socket(CInt(AF_UNIX)))
            defer { for descriptor in [datagram, stream, unix] { close(descriptor) } }
            let loopback = SocketAddress(.loopbackV4, port: 0)
            try #require(unsafe loopback.withKernelBytes { unsafe Syscalls.kernel.bind(datagram, $0) } == 0)
            try #require(listen(stream, 1) == 0)
            let abstract = try UnixAddress(abstract: "volley-activation-\(getpid())-\(datagram)")
            try #require(unsafe abstract.withKernelBytes { unsafe Syscalls.kernel.bind(unix, $0) } == 0)
            datagramAddress = try #require(SocketAddress(kernelBytes: System.name(of: datagram, peer: false) ?? []))
            unixAddress = abstract
            // At the end of the table, where no other test gets its descriptors, with a gap behind.
            first = getdtablesize() - 16
            for (index, descriptor) in [datagram, stream, unix].enumerated() {
                try #require(dup2(descriptor, first + CInt(index)) >= 0)
            }
            identities = try (first..<first + 3).map { try #require(SocketIdentity($0)) }
        }

        func take(_ environment: [String: String]) throws(LifecycleError) -> [InheritedSocket] {
            try ActivatedSockets.take(from: environment, process: 42, firstDescriptor: first)
        }

        func closeAll() { for identity in identities where identity.isOpen { close(identity.descriptor) } }
    }

    @Test("datagram and stream sockets come in order, with name, kind and address, close-on-exec")
    func mixed() throws {
        let passed = try Passed()
        let sockets = try passed.take(["LISTEN_PID": "42", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "dns:dns-tcp:"])
        #expect(sockets.map(\.name) == ["dns", "dns-tcp", ""])
        #expect(sockets.map(\.kind) == [.datagram, .stream, .datagram])
        #expect(sockets.map(\.isListening) == [false, true, false])
        #expect(sockets[0].localAddress == passed.datagramAddress)
        #expect(sockets[1].localAddress?.family == .ipv6)
        #expect(sockets[2].localAddress == nil && sockets[2].unixLocalAddress == passed.unixAddress)
        #expect(sockets[0].description == "dns: datagram \(passed.datagramAddress)")
        // They close with their owners.
        withExtendedLifetime(sockets) {
            for identity in passed.identities { #expect(fcntl(identity.descriptor, F_GETFD) == FD_CLOEXEC) }
        }
    }

    @Test("a socket closes with its last reference, unless its descriptor was taken, which is possible once")
    func ownership() throws {
        let passed = try Passed()
        do {
            let sockets = try passed.take(["LISTEN_PID": "42", "LISTEN_FDS": "3"])
            #expect(sockets.map(\.name) == ["unknown", "unknown", "unknown"])
            #expect(sockets[1].takeDescriptor() == passed.first + 1)
            #expect(sockets[1].takeDescriptor() == nil)
        }
        #expect(passed.identities.map(\.isOpen) == [false, true, false])
        passed.closeAll()
    }

    @Test("a datagram socket becomes an endpoint; a stream socket is refused as one, and closed")
    func adopted() throws {
        let passed = try Passed()
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let sockets = try passed.take(["LISTEN_PID": "42", "LISTEN_FDS": "3"])
        let endpoint = try loop.adoptDatagram(sockets[0]) { EchoProtocol() }
        let peer = Peer()
        peer.send([1, 2], to: try #require(endpoint.localAddress))
        #expect(peer.receive()?.bytes == [1, 2])
        let again = #expect(throws: DatagramError.self) { try loop.adoptDatagram(sockets[0]) { EchoProtocol() } }
        #expect(again?.errno == .badFileDescriptor)
        let stream = #expect(throws: DatagramError.self) { try loop.adoptDatagram(sockets[1]) { EchoProtocol() } }
        #expect(stream?.errno == .protocolWrongTypeForSocket)
        #expect(!passed.identities[1].isOpen)
    }

    @Test(
        "without the variables, or when they are for another process, nothing is taken and nothing touched",
        arguments: [
            [:], ["LISTEN_FDS": "3"], ["LISTEN_PID": "42"], ["LISTEN_PID": "43", "LISTEN_FDS": "3"],
            ["LISTEN_PID": "43", "LISTEN_FDS": "many"],
        ])
    func nothing(environment: [String: String]) throws {
        let passed = try Passed()
        #expect(try passed.take(environment).isEmpty)
        #expect(passed.identities.map(\.isOpen) == [true, true, true])
        passed.closeAll()
    }

    @Test(
        "a variable that is not what the protocol says is an error that names it",
        arguments: [
            (["LISTEN_PID": "", "LISTEN_FDS": "3"], "LISTEN_PID"),
            (["LISTEN_PID": "42 ", "LISTEN_FDS": "3"], "LISTEN_PID"),
            (["LISTEN_PID": "0", "LISTEN_FDS": "3"], "LISTEN_PID"),
            (["LISTEN_PID": "4200000000000", "LISTEN_FDS": "3"], "LISTEN_PID"),
            (["LISTEN_PID": "42", "LISTEN_FDS": ""], "LISTEN_FDS"),
            (["LISTEN_PID": "42", "LISTEN_FDS": "0"], "LISTEN_FDS"),
            (["LISTEN_PID": "42", "LISTEN_FDS": "+3"], "LISTEN_FDS"),
            (["LISTEN_PID": "42", "LISTEN_FDS": "-1"], "LISTEN_FDS"),
            (["LISTEN_PID": "42", "LISTEN_FDS": "2147483647"], "LISTEN_FDS"),
            (["LISTEN_PID": "42", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "a:b"], "LISTEN_FDNAMES"),
            (["LISTEN_PID": "42", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "a:b:c:d"], "LISTEN_FDNAMES"),
        ])
    func malformed(environment: [String: String], mention: String) throws {
        let passed = try Passed()
        let error = #expect(throws: LifecycleError.self) { try passed.take(environment) }
        #expect(error?.code == .malformedEnvironment)
        #expect(error?.message.contains(mention) == true)
        passed.closeAll()
    }

    @Test("an announced descriptor that is not there is an error, and the others are closed")
    func missing() throws {
        let passed = try Passed()
        for count in ["4", "2146000000"] {
            let error = #expect(throws: LifecycleError.self) {
                try passed.take(["LISTEN_PID": "42", "LISTEN_FDS": count])
            }
            #expect(error?.code == .unusableDescriptor)
            #expect(error?.errno == .badFileDescriptor)
            #expect(passed.identities.allSatisfy { !$0.isOpen })
        }
    }

    @Test("an announced descriptor that is no socket is an error")
    func notSocket() throws {
        let passed = try Passed()
        let file = unsafe open("/dev/null", O_RDONLY)
        dup2(file, passed.first + 1)
        close(file)
        let error = #expect(throws: LifecycleError.self) { try passed.take(["LISTEN_PID": "42", "LISTEN_FDS": "3"]) }
        #expect(error?.code == .unusableDescriptor)
        #expect(error?.errno == .notSocket)
        #expect(fcntl(passed.first + 1, F_GETFD) == -1)
    }
}

/// Sends every datagram back.
final class EchoProtocol: DatagramProtocol {
    func datagramReceived(_ datagram: Datagram) { datagram.reply(datagram.payload) }
}
