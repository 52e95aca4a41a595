import ArgumentParser
import SystemPackage
import Volley
import VolleyCapture
import VolleyCore

/// `volley serve`: a built-in service on a socket.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run a built-in UDP service until Ctrl-C, SIGTERM or the end of --duration.",
        discussion: """
            SERVICES
              echo     sends every datagram back, from the address it was sent to
              sink     receives and counts
              reflect  answers with one line of text: the sender's address as seen here, the address it sent to
                       (on wildcard binds), the size, and of --metadata address, ecn and ttl

            EXAMPLES
              volley serve echo --listen 127.0.0.1:7007
              volley serve echo --listen '[::]:7007' --record echo.pcapng --duration 60
              volley serve sink --listen 0.0.0.0:0 --json
              volley serve echo --listen '[::]:7007' --shards 4
              volley serve sink --listen 0.0.0.0:5353 --join 224.0.0.251%eth0
              volley serve echo --listen 127.0.0.1:7007 --handover /run/echo.handover

            A datagram socket that systemd has opened (LISTEN_FDS) is used instead of --listen. With --handover a restart
            loses nothing: start the new server while the old one runs, which then ends. Either way the socket keeps the
            receive buffer it has.

            The first line on standard output is "listening on ADDRESS:PORT", followed by " (from systemd)" or \
            " (from process N)" where the socket is another's; the last ones are the counters. --handover and systemd's \
            socket are for one shard. At SIGTERM and SIGINT what has arrived on a socket of its own is still served.
            """
    )

    @Argument(help: "The service: \(Service.allValueStrings.joined(separator: ", ")).")
    var service: Service

    @Option(
        help: ArgumentHelp(
            "Where to listen; port 0 lets the system choose. (default: 127.0.0.1:7007)", valueName: "address:port"),
        transform: parseAddress)
    var listen: SocketAddress?

    @Option(
        help: ArgumentHelp(
            "Take the socket over from the server that offers it here, if there is one; then offer it to the next.",
            valueName: "path"))
    var handover: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("End after this many seconds.", valueName: "seconds"))
    var duration: Double?

    @Option(
        help: ArgumentHelp(
            "Join a multicast group, of one source if it is given; may be repeated.",
            valueName: "[source@]group[%interface]"), transform: parseMembership)
    var join: [MulticastMembership] = []

    @Option(help: ArgumentHelp("Write what is received and sent to a new pcapng file.", valueName: "file"))
    var record: String?

    @OptionGroup var recording: RecordingOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Ask the kernel for a receive buffer of this size (SO_RCVBUF).", valueName: "bytes"))
    var receiveBuffer: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most datagrams of one recvmmsg, 1 to 1024.", valueName: "count"))
    var batchSize = 64

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Bytes of a receive slot; longer datagrams are truncated, and under 65,536 there is no GRO.",
            valueName: "bytes"))
    var slotSize = 65_536

    @OptionGroup var datapath: DatapathOptions
    @OptionGroup var sharding: ShardOptions

    @Flag(help: "Print the counters as one JSON object.")
    var json = false

    @Option(help: .hidden)
    var callback = Callback.datagram

    /// Which callback of the protocol the service uses; for measuring both.
    enum Callback: String, ExpressibleByArgument, CaseIterable { case datagram, batch }

    func validate() throws {
        if let duration, !(duration > 0 && duration <= 1e9) {
            throw ValidationError("--duration must be a number of seconds over 0 and at most 1,000,000,000.")
        }
        guard record != nil || !recording.isUsed else {
            throw ValidationError("--record-…, --rotate-… and --keep say how to --record: name a file.")
        }
        guard (1...1024).contains(batchSize) else { throw ValidationError("--batch-size must be 1 to 1024.") }
        guard (1...(1 << 24)).contains(slotSize) else {
            throw ValidationError("--slot-size must be 1 to 16,777,216 bytes.")
        }
        if let receiveBuffer, !(1...Int(Int32.max)).contains(receiveBuffer) {
            throw ValidationError("--receive-buffer must be 1 to \(Int32.max) bytes.")
        }
        let place = (listen ?? ServeSocket.standardAddress).ip
        if let unheard = join.first(where: { !place.isUnspecified && $0.group != place.unmapped }) {
            throw ValidationError(
                "--join \(unheard.group) takes a --listen address that hears it: a wildcard, such as 0.0.0.0, or the group."
            )
        }
    }

    func run() throws {
        let tap = try makeTap()
        var options = DatagramOptions()
        options.batchSize = batchSize
        options.slotSize = slotSize
        options.receiveBufferSize = receiveBuffer
        datapath.apply(to: &options)
        options.multicast.memberships = join
        options.tap = tap
        let socket: ServeSocket
        do {
            socket = try ServeSocket(
                listen: listen, handover: handover, sharding: sharding, options: options,
                sharding.factory(service, callback))
        } catch {
            Console.complain("\(error)")
            if let record { discardNew(record) }
            throw ExitCode.ioFailure
        }
        for option in socket.report.differences { Console.complain("\(option)") }
        // Whoever does not listen may still be served.
        try? Console.print("listening on \(socket.place)")
        if let duration {
            socket.close(after: duration)
        }
        let dumping = try recording.dumpOnSignal(tap, record)
        defer { dumping?.stop() }
        let clock = ContinuousClock()
        let start = clock.now
        let lost = socket.waitUntilClosed()
        let seconds = start.duration(to: clock.now) / .seconds(1)
        let statistics = socket.shards.map { $0.statistics() }
        socket.end()
        // The recording first: it must be whole whatever becomes of the report.
        let closing = Result { try close(tap) }
        try report(ServeReport(statistics, socket.report, seconds: seconds))
        try closing.get()
        if let lost {
            Console.complain("the endpoint was lost: \(lost)")
            throw ExitCode.ioFailure
        }
    }

    private func makeTap() throws -> CaptureTap? {
        try record.map { try recording.makeTap($0) }
    }

    private func close(_ tap: CaptureTap?) throws {
        do {
            try tap?.close()
        } catch {
            Console.complain("the recording is incomplete: \(error)")
            throw ExitCode.ioFailure
        }
    }

    private func report(_ report: ServeReport) throws {
        if json { try Console.print(json: report) } else { try Console.print(report.lines) }
    }
}

/// An address and port from the command line, or why it is none.
func parseAddress(_ argument: String) throws -> SocketAddress {
    do {
        return try SocketAddress(parsing: argument)
    } catch {
        throw ValidationError("\(error)")
    }
}

/// A multicast membership from the command line: `239.1.2.3`, `ff15::7%eth0`, `192.0.2.1@232.1.2.3%eth0`.
func parseMembership(_ argument: String) throws -> MulticastMembership {
    var (rest, source, interface) = (argument[...], Substring?.none, NetworkInterface?.none)
    if let at = rest.firstIndex(of: "@") {
        source = rest[..<at]
        rest = rest[rest.index(after: at)...]
    }
    if let percent = rest.firstIndex(of: "%") {
        interface = NetworkInterface(String(rest[rest.index(after: percent)...]))
        rest = rest[..<percent]
    }
    do {
        let group = try IPAddress(parsing: String(rest))
        guard group.isMulticast else {
            throw ValidationError("\(group) is no multicast group: those are within 224.0.0.0/4 and ff00::/8")
        }
        let source = try source.map { try IPAddress(parsing: String($0)) }
        return MulticastMembership(group, source: source, interface: interface)
    } catch let error as AddressError {
        throw ValidationError("\(error)")
    }
}
