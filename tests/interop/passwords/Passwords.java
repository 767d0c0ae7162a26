import kafka.utils.PasswordEncoder;
import org.apache.kafka.common.config.types.Password;
import scala.Option;

/** Prints the passwords that Kafka's encoder reads: the arguments are the secret, then a cipher and an encoded one each. */
public class Passwords {
    public static void main(String[] arguments) {
        for (int at = 1; at + 1 < arguments.length; at += 2) {
            // The parameters of the cipher are read by the cipher of the settings, all else by what is written beside.
            PasswordEncoder encoder =
                new PasswordEncoder(new Password(arguments[0]), Option.empty(), arguments[at], 128, 4096);
            System.out.println(encoder.decode(arguments[at + 1]).value());
        }
    }
}
