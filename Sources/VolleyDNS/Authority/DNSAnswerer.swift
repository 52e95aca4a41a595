public import VolleyCore

/// Answers queries from an authority: datagram in, datagram out, without I/O, clock or state of its own.
///
/// The same for UDP and TCP. Prepared answers are copied with id, flags, letter case and EDNS of the query put in
/// place; that allocates nothing. What is not prepared (chains of aliases, wildcards, proofs of DNSSEC) is put together
/// from the zone's tables.
public struct DNSAnswerer: Sendable {
    /// What is answered from.
    public var authority: Authority
    /// What it says of itself, and its limits.
    public var options: DNSServerOptions

    /// An answerer from an authority.
    public init(_ authority: Authority, options: DNSServerOptions = DNSServerOptions()) {
        self.authority = authority
        self.options = options
    }

    /// What has become of a query.
    public struct Outcome: Sendable {
        /// Whether a response has been written; if not, nothing has.
        public internal(set) var isAnswered = false
        /// The response code.
        public internal(set) var responseCode = DNSResponseCode.noError
        /// The type asked for; 0 if the question could not be read.
        public internal(set) var type = DNSType(rawValue: 0)
        /// Whether the response says TC.
        public internal(set) var isTruncated = false
        /// Whether the client has shown a cookie of this server: it receives what is sent to it.
        public internal(set) var hasValidCookie = false
        /// Whether the query uses EDNS.
        public internal(set) var hasEDNS = false
    }

    /// How a query has come.
    public struct Client: Sendable {
        /// From whom.
        public var address: IPAddress
        /// Seconds since 1970, for cookies.
        public var now: UInt32
        /// Whether the answer goes over a stream, where the size of a datagram does not matter.
        public var isStream: Bool

        /// A client's address, the time of day and the kind of transport.
        public init(_ address: IPAddress, now: UInt32 = 0, isStream: Bool = false) {
            self.address = address
            self.now = now
            self.isStream = isStream
        }
    }

    /// Answers a query.
    ///
    /// - Parameters:
    ///   - message: the query; anything may stand there.
    ///   - client: who asks, and how.
    ///   - output: takes the response, if there is one; what it has room for is a limit too.
    ///   - isLimited: whether to say TC and no more (response-rate limiting).
    public func answer(
        _ message: RawSpan, from client: Client, isLimited: Bool = false, into output: inout OutputRawSpan
    ) -> Outcome {
        var outcome = Outcome()
        var query = ServerQuery()
        let verdict = query.read(message)
        guard verdict != .ignore else { return outcome }
        guard output.freeCapacity >= DNSHeader.byteCount else { return outcome }
        guard verdict == .answer else {
            outcome.responseCode = verdict == .formatError ? .formatError : .notImplemented
            writeHeader(query, outcome.responseCode, to: &output)
            outcome.isAnswered = true
            return outcome
        }
        outcome.type = DNSType(query.type)
        outcome.hasEDNS = query.hasEDNS
        var opt = ServerOPT()
        if query.hasEDNS { makeOPT(query, message, client, &opt, &outcome) }
        // At least 512 octets for who says less (RFC 6891 section 6.2.3).
        let asked = query.hasEDNS ? min(max(512, Int(query.payloadSize)), options.payloadSizeMax) : 512
        let limit = min(client.isStream ? 65_535 : asked, output.freeCapacity)
        guard DNSHeader.byteCount + query.questionCount + opt.byteCount <= limit else { return outcome }
        outcome.isAnswered = true
        if isLimited {
            outcome.isTruncated = true
            writeEmpty(query, message, bits: 0x0200, opt, to: &output)
        } else if query.version != 0 {
            outcome.responseCode = .badVersion
            opt.extendedResponseCode = 1
            writeEmpty(query, message, bits: 0, opt, to: &output)
        } else if let code = refusal(query) {
            outcome.responseCode = code
            writeEmpty(query, message, bits: code.rawValue, opt, to: &output)
        } else if query.questionClass == 3 {
            answerChaos(query, message, limit, opt, &outcome, &output)
        } else {
            let isDone = answerPrepared(query, message, limit, opt, &outcome, &output)
            if !isDone { compose(query, message, limit, opt, &outcome, &output) }
        }
        return outcome
    }

    /// Answers a query with a message of its own; `nil` where there is no answer.
    ///
    /// - Parameters:
    ///   - message: the query; anything may stand there.
    ///   - client: who asks, and how.
    public func answer(_ message: RawSpan, from client: Client) -> [UInt8]? {
        var outcome = Outcome()
        let capacity = client.isStream ? 65_535 : options.payloadSizeMax
        let bytes = try? [UInt8](encoding: capacity) { output throws(DNSError) in
            outcome = answer(message, from: client, into: &output)
        }
        return outcome.isAnswered ? bytes : nil
    }

    @inline(never)
    private func makeOPT(
        _ query: ServerQuery, _ message: RawSpan, _ client: Client, _ opt: inout ServerOPT, _ outcome: inout Outcome
    ) {
        opt.isPresent = true
        opt.payloadSize = UInt16(truncatingIfNeeded: options.payloadSizeMax)
        opt.isDNSSECWanted = query.isDNSSECWanted
        if query.wantsNSID, let count = options.identifier?.count, count <= DNSServerOptions.identifierMax {
            opt.identifierCount = count
        }
        guard query.cookieCount > 0, let cookies = options.cookies,
            let clientCookie = try? message.word(at: query.cookieOffset).bigEndian
        else { return }
        if query.cookieCount == 24, let head = try? message.word(at: query.cookieOffset + 8).bigEndian,
            let hash = try? message.word(at: query.cookieOffset + 16).bigEndian
        {
            outcome.hasValidCookie = cookies.isValid(
                client: clientCookie, head: head, hash: hash, address: client.address, now: client.now)
        }
        opt.cookie = cookies.cookie(client: clientCookie, address: client.address, now: client.now)
    }

    /// The code of queries that are answered by nothing else; `nil` for the others.
    @inline(__always)
    private func refusal(_ query: ServerQuery) -> DNSResponseCode? {
        // Only a primary server may notify, and we have none (RFC 1996 section 3.11).
        if query.opcode == .notify { return .refused }
        // Zones are transferred over streams, by who knows how; OPT is no type to ask for.
        if query.type >= 249, query.type <= 254 { return query.type <= 250 ? .notImplemented : .refused }
        if query.type == 41 || query.type == 0 { return .formatError }
        if query.questionClass == 1 || query.questionClass == 3 || query.questionClass == 255 { return nil }
        return .refused
    }

    // MARK: Answers without records

    private func writeHeader(_ query: ServerQuery, _ code: DNSResponseCode, to output: inout OutputRawSpan) {
        output.append(bigEndian: query.id)
        // QR, and of the query the opcode and RD.
        output.append(bigEndian: 0x8000 | query.bits & 0x7900 | code.rawValue & 15)
        output.append(bigEndian: UInt64(0))
    }

    private func writeEmpty(
        _ query: ServerQuery, _ message: RawSpan, bits: UInt16, _ opt: ServerOPT, to output: inout OutputRawSpan
    ) {
        output.append(bigEndian: query.id)
        output.append(bigEndian: 0x8000 | query.bits & 0x7900 | bits)
        output.append(bigEndian: UInt64(1) << 48 | (opt.isPresent ? 1 : 0))
        output.append(copying: message.extracting(DNSHeader.byteCount..<DNSHeader.byteCount &+ query.questionCount))
        if opt.isPresent { opt.write(to: &output, identifier: options.identifier ?? []) }
    }

    // MARK: Answers that are put together

    @inline(never)
    private func compose(
        _ query: ServerQuery, _ message: RawSpan, _ limit: Int, _ opt: ServerOPT, _ outcome: inout Outcome,
        _ output: inout OutputRawSpan
    ) {
        var header = DNSHeader(id: query.id, bits: 0x8000 | query.bits & 0x0100)
        var composer = AnswerComposer(authority, type: query.type, isDNSSECWanted: query.isDNSSECWanted)
        let name = message.extracting(DNSHeader.byteCount..<DNSHeader.byteCount + query.nameCount)
        do throws(DNSError) {
            try output.writeDNS(limit: limit, header: header) { writer throws(DNSError) in
                try writer.append(question: name, query.type, query.questionClass)
                do throws(DNSError) {
                    try composer.compose(name, &writer)
                    header = writer.header
                } catch {
                    header = writer.header
                    throw error
                }
                try writer.append(opt, identifier: options.identifier ?? [])
            }
            outcome.responseCode = header.responseCode
        } catch {
            // Nothing but a want of room makes this fail: the zone's tables are valid.
            outcome.isTruncated = true
            outcome.responseCode = header.responseCode
            writeEmpty(query, message, bits: 0x0200 | header.bits & 0x040f, opt, to: &output)
        }
    }

    /// What the server says of itself (RFC 4892).
    @inline(never)
    private func answerChaos(
        _ query: ServerQuery, _ message: RawSpan, _ limit: Int, _ opt: ServerOPT, _ outcome: inout Outcome,
        _ output: inout OutputRawSpan
    ) {
        let name = message.extracting(DNSHeader.byteCount..<DNSHeader.byteCount + query.nameCount)
        let text: String? =
            query.type != 16 && query.type != 255
            ? nil
            : Self.isOne(name, of: ["version.bind.", "version.server."])
                ? options.version : Self.isOne(name, of: ["hostname.bind.", "id.server."]) ? options.hostname : nil
        guard let text else {
            outcome.responseCode = .refused
            return writeEmpty(query, message, bits: 5, opt, to: &output)
        }
        let header = DNSHeader(id: query.id, bits: 0x8400 | query.bits & 0x0100)
        do throws(DNSError) {
            let data = RecordData(text: [text]).bytes
            try output.writeDNS(limit: limit, header: header) { writer throws(DNSError) in
                try writer.append(question: name, query.type, query.questionClass)
                try writer.append(owner: name, 16, 3, 0, RawSpan(data.span), to: .answer)
                try writer.append(opt, identifier: options.identifier ?? [])
            }
        } catch {
            outcome.isTruncated = true
            writeEmpty(query, message, bits: 0x0600, opt, to: &output)
        }
    }

    private static func isOne(_ name: RawSpan, of names: [String]) -> Bool {
        guard let asked = try? DomainName(wire: name) else { return false }
        return names.contains { DomainName($0) == asked }
    }
}
