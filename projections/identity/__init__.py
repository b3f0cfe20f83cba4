"""Who is who: links judged by pair, personas tied into parties (rulings 14 to 16)."""
