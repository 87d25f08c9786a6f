// Colours are left out; characters that turn the direction are visible.
import t from 'tap';
import { plainText } from './log-text';

t.equal(plainText('\u001b[31mred\u001b[0m'), 'red');
t.equal(plainText('a\u202eb'), 'a\\u202eb');
t.equal(plainText('see \u001b]8;;https://a.test/\u001b\\a link\u001b]8;;\u0007.'), 'see a link.', 'links of terminals');
