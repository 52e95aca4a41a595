internal import SystemPackage

/// A stream of bytes out of a program that decompresses what goes in.
///
/// The program reads a file itself where there is one; otherwise whoever reads here also hands it its input, in turn, so
/// that no thread is needed and no more than a few hundred kilobytes are held.
@safe
final class Decompressor {
    /// Where the input comes from.
    enum Input {
        /// A file at its beginning, which the program reads itself.
        case file(FileDescriptor)
        /// Bytes already read, and what is still to come.
        case stream([UInt8], Source?)
    }

    /// What a stream is read from.
    enum Source {
        case descriptor(FileDescriptor)
        case decompressor(Decompressor)
    }

    private static let chunkLength = 65_536
    private static let complaintLengthMax = 512

    private let compression: Compression
    private var child: ChildProgram
    private let output: FileDescriptor
    private let errors: FileDescriptor
    private var isErrorsOpen = true
    private var complaint: [UInt8] = []
    /// What a program has said that was content with its work.
    private var warning: String?
    private var isEnded = false

    // What the program is still to be given; there is no socket when it reads a file, and after the end.
    private var socket: FileDescriptor?
    private var pending: [UInt8] = []
    private var pendingOffset = 0
    private let source: Source?
    /// Why the input of a program ended before its end.
    private var innerFailure: InputFailure?
    private let file: FileDescriptor?
    /// How many bytes of a stream the program was given.
    private var given: Int64 = 0

    /// Starts the program.
    init(_ compression: Compression, _ input: Input) throws(InputFailure) {
        self.compression = compression
        do throws(Errno) {
            let output = try ChildStreams.pipe()
            // What fails from here on closes what is open so far.
            var open = [output.reading, output.writing]
            defer { for descriptor in open { try? descriptor.close() } }
            let errors = try ChildStreams.pipe()
            open += [errors.reading, errors.writing]
            let theirs: FileDescriptor
            switch input {
            case .file(let descriptor):
                theirs = descriptor
                file = descriptor
                source = nil
            case .stream(let bytes, let source):
                let pair = try ChildStreams.socket()
                open += [pair.ours, pair.theirs]
                theirs = pair.theirs
                socket = pair.ours
                pending = bytes
                self.source = source
                file = nil
            }
            child = try ChildProgram(
                compression.program, compression.arguments, input: theirs, output: output.writing,
                errors: errors.writing)
            self.output = output.reading
            self.errors = errors.reading
            let kept = [output.reading, errors.reading, socket]
            open.removeAll { kept.contains($0) }
        } catch {
            throw InputFailure(errno: error, missing: error == .noSuchFileOrDirectory ? compression : nil)
        }
    }

    deinit {
        // Only read from, or given up: there is nothing that a failing close could lose.
        for descriptor in [output, isErrorsOpen ? errors : nil, socket] { try? descriptor?.close() }
    }

    /// The program's process, for tests.
    var processID: Int32 { child.processID }

    /// What the programs have said although all was decompressed; known at the end.
    var warnings: [String] {
        var warnings = [warning].compactMap { $0 }
        if case .decompressor(let inner) = source { warnings = inner.warnings + warnings }
        return warnings
    }

    /// How many bytes of the compressed file were used so far.
    var inputOffset: Int64 {
        if let file { return ChildStreams.position(of: file) ?? 0 }
        if case .decompressor(let inner) = source { return inner.inputOffset }
        return given
    }

    /// Reads what there is, and waits until there is something; 0 at the end.
    ///
    /// - Throws: ``InputFailure`` with the program's complaint if it has failed, once its output is read.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputFailure) -> Int {
        guard !isEnded else { return 0 }
        do throws(Errno) {
            while true {
                try refill()
                let feed = socket != nil && pendingOffset < pending.count ? socket : nil
                var waited: FileDescriptor?
                if socket != nil, feed == nil, case .descriptor(let descriptor) = source { waited = descriptor }
                let ready = try ChildStreams.wait(for: [
                    (output, false), (isErrorsOpen ? errors : nil, false), (feed, true), (waited, false),
                ])
                if ready[1] { try takeComplaint() }
                if ready[2] { give() }
                if ready[3], case .descriptor(let descriptor) = source { try take(from: descriptor) }
                guard ready[0] else { continue }
                // SAFETY: the caller's buffer is valid during this call, and read(2) keeps within it.
                let count = unsafe try Self.read(output, into: buffer)
                if count > 0 { return count }
                break
            }
        } catch {
            throw InputFailure(errno: error)
        }
        try finish()
        return 0
    }

    /// Takes the next bytes of a stream that has to be decompressed itself, when the last ones are given.
    private func refill() throws(Errno) {
        guard socket != nil, pendingOffset == pending.count else { return }
        switch source {
        case .descriptor: break
        case .decompressor(let inner):
            unsafe fillPending { buffer in
                do throws(InputFailure) {
                    // SAFETY: the buffer is valid during this call.
                    return unsafe try inner.read(into: buffer)
                } catch {
                    // For this program it is the end of its input; what it makes of what it has comes first.
                    innerFailure = error
                    return 0
                }
            }
            if pending.isEmpty { endInput() }
        case nil: endInput()
        }
    }

    private func take(from descriptor: FileDescriptor) throws(Errno) {
        var failure: Errno?
        unsafe fillPending { buffer in
            do throws(Errno) {
                // SAFETY: the buffer is valid during this call.
                return unsafe try Self.read(descriptor, into: buffer)
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        if pending.isEmpty { endInput() }
    }

    /// Replaces the pending bytes by what `body` reads.
    private func fillPending(_ body: (UnsafeMutableRawBufferPointer) -> Int) {
        pendingOffset = 0
        unsafe pending = [UInt8](unsafeUninitializedCapacity: Self.chunkLength) { buffer, count in
            // SAFETY: `body` returns how many bytes at the beginning it has written.
            unsafe count = body(UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// Gives the program what it takes now.
    private func give() {
        guard let socket else { return }
        guard let count = ChildStreams.send(pending[pendingOffset...], to: socket) else {
            // It reads no further: it has ended, or has what it needs. Its status tells which.
            endInput()
            return
        }
        pendingOffset += count
        given += Int64(count)
    }

    private func endInput() {
        try? socket?.close()
        socket = nil
        pending = []
        pendingOffset = 0
    }

    private func takeComplaint() throws(Errno) {
        var count = 0
        var failure: Errno?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, initialized in
            do throws(Errno) {
                // SAFETY: read(2) keeps within the buffer and says how much it has written.
                unsafe count = try Self.read(errors, into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
            initialized = count
        }
        if let failure { throw failure }
        complaint += bytes.prefix(Self.complaintLengthMax - min(complaint.count, Self.complaintLengthMax))
        if count == 0 {
            try? errors.close()
            isErrorsOpen = false
        }
    }

    /// The output has ended: reaps the program and sees whether it is content.
    private func finish() throws(InputFailure) {
        isEnded = true
        endInput()
        let ending = child.wait()
        if let innerFailure { throw innerFailure }
        // The program is gone, and so its errors end.
        while isErrorsOpen, (try? takeComplaint()) != nil {}
        let lines = String(decoding: complaint, as: UTF8.self).split(separator: "\n")
        let words = lines.filter { !$0.allSatisfy(\.isWhitespace) }.joined(separator: "; ")
        if case .status(let status) = ending, compression.goodStatuses.contains(status) {
            warning = words.isEmpty ? nil : words
            return
        }
        let reason =
            switch ending {
            case .status(let status):
                words.isEmpty
                    ? "\(compression.program) ended with status \(status)"
                    : words.hasPrefix(compression.program) ? words : "\(compression.program): \(words)"
            case .signal(let signal): "\(compression.program) was ended by signal \(signal)"
            }
        throw InputFailure(complaint: reason)
    }

    private static func read(
        _ descriptor: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        do {
            return unsafe try descriptor.read(into: buffer)
        } catch {
            throw error as? Errno ?? .ioError
        }
    }
}
