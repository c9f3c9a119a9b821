import { CircleHelp } from 'lucide-react';
import { msg } from '@/app/i18n';
import { defineScreen } from '@/app/screen';

export default defineScreen({
  nav: { to: '/help', label: msg('Help'), icon: CircleHelp, order: 95, key: 'h' },
  routes: [
    { path: '/help', load: () => import('./index') },
    { path: '/help/$page', load: () => import('./index') },
  ],
});
