internal import SystemPackage
internal import VolleyCore

/// The descriptors made for a program that is being started: whatever nobody has taken is closed at the end.
struct ChildDescriptors: ~Copyable {
    /// Our end of a pipe.
    struct Pipe {
        /// Its number in the program.
        let number: CInt
        let descriptor: CInt
        /// Whether the program reads from it.
        let isInput: Bool
    }

    private let calls: SpawnCalls
    /// Closed when this goes.
    private var owned: [CInt] = []
    private(set) var pipes: [Pipe] = []

    init(_ calls: SpawnCalls) { self.calls = calls }

    deinit { for descriptor in owned { System.close(descriptor) } }

    /// Makes what `options` ask for, and notes in `request` what the child's descriptors are duplicates of.
    mutating func open(_ options: SubprocessOptions, for request: inout SpawnRequest) throws(SubprocessError) {
        var streams: [CInt: SubprocessStream] = [
            0: options.standardInput, 1: options.standardOutput, 2: options.standardError,
        ]
        for (number, stream) in options.otherDescriptors {
            guard (3...1023).contains(number) else {
                throw SubprocessError(.invalidArgument, "otherDescriptors: \(number) is not one of 3 to 1023")
            }
            streams[number] = stream
        }
        let highest = streams.keys.max() ?? 2
        request.highestDescriptor = highest
        request.closed = (3...max(3, highest)).filter { streams[$0] == nil && $0 <= highest }
        for (number, stream) in streams.sorted(by: { $0.key < $1.key }) {
            switch stream.value {
            case .inherited:
                do throws(SubprocessError) {
                    try add(.given(number), number, above: highest, to: &request)
                } catch {
                    // A standard stream that this process has not got, the program has not got either.
                    guard number < 3, error.code == .badDescriptor else { throw error }
                }
            case .standardOutput:
                guard number >= 2 else {
                    throw SubprocessError(
                        .invalidArgument, "descriptor \(number) cannot be standard output's duplicate")
                }
                request.joinedToOutput.append(number)
            case .pipe: try addPipe(number, above: highest, to: &request)
            case .null: try add(.null, number, above: highest, to: &request)
            case .descriptor(let descriptor): try add(.given(descriptor), number, above: highest, to: &request)
            }
        }
    }

    /// Our end of a pipe now belongs to somebody else.
    mutating func take(_ pipe: Pipe) { owned.removeAll { $0 == pipe.descriptor } }

    private mutating func addPipe(
        _ number: CInt, above highest: CInt, to request: inout SpawnRequest
    ) throws(SubprocessError) {
        let isInput = number == 0
        let (ours, theirs): (CInt, CInt)
        do throws(Errno) {
            let ends = try calls.makePipe()
            (ours, theirs) = isInput ? (ends.writing, ends.reading) : (ends.reading, ends.writing)
            owned += [ours, theirs]
        } catch {
            throw SubprocessError(.systemCall, "cannot make a pipe for descriptor \(number)", errno: error)
        }
        pipes.append(Pipe(number: number, descriptor: ours, isInput: isInput))
        try add(.given(theirs), number, above: highest, to: &request)
    }

    private enum Source { case null, given(CInt) }

    /// A source has to be above all targets, or making one descriptor of the child could overwrite the source of another.
    private mutating func add(
        _ source: Source, _ number: CInt, above highest: CInt, to request: inout SpawnRequest
    ) throws(SubprocessError) {
        do throws(Errno) {
            let descriptor: CInt
            switch source {
            case .null:
                descriptor = try calls.openNull()
                owned.append(descriptor)
            case .given(let given): descriptor = given
            }
            if owned.contains(descriptor), descriptor > highest {
                request.descriptors.append((source: descriptor, target: number))
                return
            }
            // Of somebody else's in any case: this is where one that is closed is noticed.
            let moved = try calls.duplicate(descriptor, highest + 1)
            owned.append(moved)
            request.descriptors.append((source: moved, target: number))
        } catch {
            guard case .given(let given) = source, error == .badFileDescriptor else {
                throw SubprocessError(.systemCall, "cannot make descriptor \(number) of the program", errno: error)
            }
            throw SubprocessError(
                .badDescriptor, "descriptor \(given), which was to be \(number) of the program, is not open",
                errno: error)
        }
    }
}
