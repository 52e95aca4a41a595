import ArgumentParser
import VolleyCapture
import VolleyWire

/// `volley inspect`: what is in a capture.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract:
            "Show what a capture holds: rates, sizes, protocols, losses, endpoints, conversations, record classes.",
        discussion: """
            Reads pcap and pcapng files, or standard input when FILE is "-". Every record ends in exactly one class; the \
            sum of the classes is the number of records. A damaged file is read as far as it goes. Memory is bounded: \
            tables have room for 65,536 endpoints, conversations and open DNS queries, and the report says how much \
            found none. Charts are drawn in ASCII unless LC_ALL, LC_CTYPE or LANG name a UTF-8 locale.

            Protocols are told by port and by a look at the first bytes; "by port alone" means that the content looks \
            different. A DNS query is answered by a response with the same endpoints, id and question. Missing are \
            sequence numbers of RTP, sFlow and NetFlow (version 5 counts flows).

            JSON
              file, records, classes {}, malformed {}, linkTypes [linkType, records],
                datagrams, payloadBytes, firstNanoseconds, lastNanoseconds, seconds,
                timestampsBackwards; damage: what is wrong with the file; warnings []: what
                is odd about it
              rates {firstNanoseconds, seconds, datagramsPerSecondMean, ...Peak,
                bitsPerSecondMean, ...Peak, peakWindowSeconds, columnSeconds,
                columnDatagrams [], columnPayloadBytes []}: of datagrams; absent when no
                time passes between them
              packetSizes [from, to, records]: bytes on the wire; the last has no "to"
              protocols [name, datagrams, payloadBytes, byPortAndContent, byContent,
                byPort]
              dns {queries, answers, answered, unanswered, repeated, unasked,
                answerSecondsMean, answerSecondsMax, responseCodes {}}: absent when
                there is none
              sequences [name, streams, datagrams, missing, late, restarts],
                datagramsBeyondSequences
              icmpErrors [family, type, code, errno, kind, errors, meaning],
                icmpErrorsBeyond
              endpoints [address, sent, received, sentBytes, receivedBytes],
                endpointsTotal, datagramsBeyondEndpoints
              conversations [first, second, forward, backward, forwardBytes,
                backwardBytes, firstNanoseconds, seconds], conversationsTotal,
                datagramsBeyondConversations
              delivered, sha256Payload, sha256Framed: with --digest

            EXAMPLES
              volley inspect queries.pcapng
              volley inspect queries.pcapng --filter 'udp port 53' --json
              tcpdump -w - -i lo udp | volley inspect -
              volley inspect queries.pcapng --digest
              volley inspect trace.pcap --errors
              volley inspect trace.pcap --top 3 --by bytes
              volley inspect overlay.pcap --tunnels vxlan,geneve
            """
    )

    @Argument(
        help: ArgumentHelp(
            "Captures, compressed or not; \"-\" for standard input; several are merged in time order.",
            valueName: "file"))
    var files: [String]
    private var file: String { files.joined(separator: ", ") }

    @Option(help: ArgumentHelp("Look only at records that match (see pcap-filter(7)).", valueName: "expression"))
    var filter: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many endpoints and conversations to list; 0 lists all.", valueName: "count"))
    var top = 10

    @Option(help: ArgumentHelp("What endpoints and conversations are sorted by.", valueName: "datagrams|bytes"))
    var by = Order.datagrams

    enum Order: String, ExpressibleByArgument, CaseIterable { case datagrams, bytes }

    @Flag(help: "Add count, bytes and SHA-256 of all delivered datagrams.")
    var digest = false

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(
        help: """
            Print nothing but a line for each ICMP error that quotes a UDP datagram, tab-separated: frame, family, type, \
            code, quoted source, port, destination, port, errno, and hard, soft or ignored.
            """)
    var errors = false

    @OptionGroup var decoding: DecodingArguments

    func validate() throws {
        guard top >= 0 else { throw ValidationError("--top must be 0 or more.") }
        guard !errors || !json && !digest else {
            throw ValidationError("--errors prints lines of its own and goes with neither --json nor --digest.")
        }
    }

    func run() throws {
        var inspection = CaptureInspection(withDigest: digest, decoding: decoding.options)
        let errorLines = ErrorLines()
        var damage: CaptureError?
        var warnings: [String] = []
        do throws(CaptureError) {
            let compiled = try filter.map { expression throws(CaptureError) in try CaptureFilter(expression) }
            var reader = try CaptureReader(paths: CapturePaths.expand(files))
            let progress = ProgressLine("reading", total: fileSize(file))
            defer { progress.end() }
            let position = RecordCounter()
            do throws(CaptureError) {
                try inspection.read(
                    &reader, filter: compiled,
                    progress: { bytes in
                        position.records += 65_536
                        progress.update(bytes: bytes, records: position.records)
                    }, errors: errors ? errorLines.add : nil)
            } catch {
                damage = error
            }
            warnings = reader.warnings
        } catch {
            Console.complain("\(error)")
            throw error.code == .cannotOpen || error.code == .readFailed ? ExitCode.ioFailure : .unusableInput
        }
        if errors {
            try errorLines.finish()
        } else {
            let report = InspectReport(
                inspection, file: file, top: top == 0 ? .max : top, order: by == .bytes ? .payloadBytes : .datagrams,
                damage: damage, warnings: warnings)
            if json {
                try Console.print(json: report, indented: true)
            } else {
                try Console.print(report.lines(.current))
            }
        }
        warnings.forEach { Console.complain($0) }
        if inspection.records == 0, damage == nil { Console.complain("\(file): the capture holds no records") }
        if let damage {
            Console.complain("\(damage); what came before it is shown")
            throw ExitCode.unusableInput
        }
    }

    /// What the progress closure counts; a class, since the closure is kept.
    private final class RecordCounter { var records = 0 }
}
